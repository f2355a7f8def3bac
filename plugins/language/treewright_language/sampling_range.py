"""What sampling settings may be, for local models and endpoints alike."""

from math import inf

from treewright_registry import Sampling


def check_sampling(sampling: Sampling) -> None:
    """Refuse settings that mean nothing.

    Raises:
        ValueError: which one, and what it may be.
    """
    temperature, top_p, max_tokens = sampling.temperature, sampling.top_p, sampling.max_tokens
    if temperature is not None and not 0 <= temperature < inf:
        raise ValueError(f"temperature must be a number of at least 0, not {temperature:g}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must be in (0, 1], not {top_p:g}")
    if max_tokens is not None and max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, not {max_tokens}")
