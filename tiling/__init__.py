"""Pictures of any size in tiles: a plan of integers, a walk over it, and what is done on the way."""
