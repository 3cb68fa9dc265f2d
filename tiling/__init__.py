"""Pictures of any size in tiles: a plan of integers, a loop over it, and what is done on the way."""
