"""The example workflows, drawn in Python."""
