"""The heavy libraries of the extra ``knowledge``, imported when they are first used."""

import importlib
from typing import TYPE_CHECKING, Any

from treewright_registry import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Positions = npt.NDArray[np.int64]


def faiss() -> Any:
    """The module ``faiss``.

    Raises:
        ConfigurationError: it is not installed; the text says how to install it.
    """
    return _imported("faiss", "faiss-cpu")


def require_numpy() -> None:
    """Refuse with a repair, rather than an ``ImportError``, where numpy is missing.

    Raises:
        ConfigurationError: it is not installed.
    """
    _imported("numpy", "numpy")


def _imported(module: str, distribution: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ConfigurationError(
            f"knowledge bases need {distribution}, which is not installed"
            "\n    install it: pip install 'treewright[knowledge]'"
        ) from error
