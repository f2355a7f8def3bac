"""Step verification: how well a step scorer finds the first wrong step of a given solution."""
