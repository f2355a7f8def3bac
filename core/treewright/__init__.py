"""treewright: make generative models answer better by searching at inference time.

Plugin authors import the contracts from here, scripts ``load_pipeline`` and ``run_pipeline``.
Nothing heavy loads with this package.
"""

from typing import TYPE_CHECKING, Any

from treewright_registry import *  # noqa: F403
from treewright_registry import __all__ as _contracts

if TYPE_CHECKING:
    from treewright.scripting import load_pipeline, run_pipeline

__version__ = "0.1.0"
_ON_DEMAND = ("load_pipeline", "run_pipeline")  # they need YAML and the engine, which listings do not
__all__ = [*_contracts, "__version__", "load_pipeline", "run_pipeline"]


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        from treewright import scripting

        return getattr(scripting, name)
    raise AttributeError(f"module 'treewright' has no attribute {name!r}")
