"""The networks, each drawn as its paper draws it."""
