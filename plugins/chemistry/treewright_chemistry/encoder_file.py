"""The encoder's files: weights as safetensors in half precision, sizes as JSON, a checksum of both.

``encoder.safetensors.sha256`` is in the format of ``sha256sum`` and lists both files; the sums are
verified before anything is read, so a truncated or damaged file is refused with one clear error. Needs no
torch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from treewright_chemistry.errors import TableError

WEIGHTS: Final = "encoder.safetensors"
CONFIG: Final = "encoder.json"
SUMS: Final = WEIGHTS + ".sha256"

Weights = dict[str, npt.NDArray[Any]]


def write_encoder(folder: Path, weights: Mapping[str, npt.NDArray[np.float32]], config: Mapping[str, Any]) -> None:
    """Write weights in half precision, configuration, checksums; each file appears whole or not at all."""
    contents = {
        WEIGHTS: save({name: np.ascontiguousarray(value, dtype=np.float16) for name, value in weights.items()}),
        CONFIG: (json.dumps(config, indent=2, sort_keys=True) + "\n").encode("utf-8"),
    }
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items())
    for name, content in (*contents.items(), (SUMS, sums.encode("ascii"))):
        _replace(folder / name, content)


def read_encoder(folder: Path) -> tuple[Weights, dict[str, Any]]:
    """Return weights in single precision and the configuration.

    Raises:
        TableError: a file is missing, truncated, damaged, or not what its name says.
    """
    sums = _sums(folder / SUMS)
    weights, config = (_checked(folder / name, sums) for name in (WEIGHTS, CONFIG))
    try:
        arrays = {name: value.astype(np.float32) for name, value in load(weights).items()}
    except (SafetensorError, ValueError) as error:
        raise _error(folder / WEIGHTS, f"holds no readable weights ({error})") from error
    try:
        settings = json.loads(config)
    except ValueError as error:
        raise _error(folder / CONFIG, f"is not JSON ({error})") from error
    return arrays, settings


def check_encoder(folder: Path) -> None:
    """See that both files are there and whole, without loading weights.

    Raises:
        TableError: one is missing, truncated or damaged.
    """
    sums = _sums(folder / SUMS)
    for name in (WEIGHTS, CONFIG):
        _checked(folder / name, sums)


def _sums(path: Path) -> dict[str, str]:
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        return {name: digest for digest, name in rows}
    except (OSError, ValueError) as error:
        raise _error(path, f"cannot be read ({type(error).__name__}: {error})") from error


def _checked(path: Path, sums: Mapping[str, str]) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _error(path, f"cannot be read ({type(error).__name__}: {error})") from error
    if hashlib.sha256(content).hexdigest() != sums.get(path.name):
        raise _error(path, f"is damaged: its {len(content)} bytes do not have the checksum in {SUMS}")
    return content


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(content)
    os.replace(draft, path)


def _error(path: Path, what: str) -> TableError:
    return TableError(what, field=str(path), repair="Reinstall treewright-chemistry or train the encoder again")
