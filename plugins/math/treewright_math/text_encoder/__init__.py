"""The embedded text encoder: problems and solution steps as vectors without a neural library, and its recipe."""
