"""Encoders by folder, loaded once in a process, and the vectors of the shipped substructures."""

from __future__ import annotations

import os
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.substructure_file import shipped_substructures
from treewright_chemistry.torch_threads import one_torch_thread


def encoder_folder(folder: str = "") -> Path:
    """Return the folder of an encoder, variables expanded; the shipped one's if none is given."""
    shipped = str(resources.files(__package__).joinpath("data"))
    return Path(os.path.expandvars(os.path.expanduser(folder)) if folder else shipped)


@cache
def shared_encoder(folder: str = "") -> DualEncoder:
    """Return the encoder of a folder.

    Raises:
        TableError: a file is missing, damaged, or made for other networks or identifiers.
    """
    return DualEncoder.load(encoder_folder(folder))


@cache
def shipped_vectors(folder: str = "") -> npt.NDArray[np.float32]:
    """Return the unit vectors of the shipped substructures, shape (substructures, width); takes seconds once."""
    with one_torch_thread():
        return shared_encoder(folder).substructure_vectors(shipped_substructures())
