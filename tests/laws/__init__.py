"""Exact laws of the searches: each on a toy whose distribution can be computed, each with a control that must fail."""
