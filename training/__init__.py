"""Training: one readable file a recipe, and the data, losses and loop that recipes share."""
