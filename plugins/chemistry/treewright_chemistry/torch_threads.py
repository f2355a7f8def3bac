"""One torch thread for a while: small networks gain little from more, and workers share the cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch compute on one thread inside the block; the former number comes back afterwards.

    With one thread the arithmetic does not depend on the number of cores either.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
