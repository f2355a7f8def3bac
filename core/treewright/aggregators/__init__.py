"""Choosing the final answer among finished trajectories, one rule a file."""
