"""treewright: make generative models answer better by searching at inference time.

Plugin authors import the contracts from here. Nothing heavy loads with this package.
"""

from treewright_registry import *  # noqa: F403
from treewright_registry import __all__ as _contracts

__version__ = "0.1.0"
__all__ = [*_contracts, "__version__"]
