"""What builds the files that the pack ships: workflows, help pictures and thumbnails."""
