"""Pictures of any size in tiles: a plan of integers, and a walk over it. Nothing here yet."""
