"""The networks, one face for all of them, and how their weights get in."""
