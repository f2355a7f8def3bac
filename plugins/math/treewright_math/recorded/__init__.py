"""Recorded samples: stored solutions of any model as a policy, so that every selection method runs on them."""
