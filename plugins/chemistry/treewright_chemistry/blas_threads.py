"""One BLAS thread for a while: the matrices here are small, and idle BLAS threads wait by spinning.

With one thread the arithmetic does not depend on the number of cores either.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


def one_blas_thread() -> AbstractContextManager[Any]:
    """Let numpy's BLAS compute on one thread inside the block; the former number comes back afterwards."""
    limited: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limited


@cache
def _controller() -> ThreadpoolController:
    """The libraries loaded when it is first asked for; looking for them takes milliseconds."""
    return ThreadpoolController()
