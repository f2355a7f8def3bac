"""Worker processes share the machine's cores instead of each taking all of them.

Numerical libraries start one thread for every core. With several processes that is too many, and
threads that wait for work spin. The variables are read when such a library is loaded, so a worker
sets them first; what the user has set stands.
"""

import os

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def share_cores(workers: int) -> None:
    """Give this process its share of the cores, at least one, as threads of numerical libraries."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for variable in _VARIABLES:
        os.environ.setdefault(variable, str(max(1, usable // workers)))
