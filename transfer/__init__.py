"""The mathematics of transfer: statistics are fitted to a value, the value is applied at every position."""
