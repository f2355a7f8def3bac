"""The first wrong step, as ProcessBench asks for it (arXiv 2412.06559)."""

from collections.abc import Sequence


def first_error(scores: Sequence[float], threshold: float) -> int:
    """Index of the first step whose score is below the threshold, -1 if there is none."""
    return next((index for index, score in enumerate(scores) if score < threshold), -1)
