"""How much the cosine of the encoder counts in the score, by evidence: the file beside the encoder.

The file is written by ``cosine_fit`` and belongs to one encoder, whose checksum it holds: the cosines of
another one mean something else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from treewright_chemistry.checksums import verified_bytes, write_sum
from treewright_chemistry.encoder_file import WEIGHTS, read_encoder
from treewright_chemistry.errors import TableError

FILE: Final = "cosine_weights.json"
REFIT: Final = "Run python -m treewright_chemistry.cosine_fit DATA_DIR --encoder FOLDER"


@dataclass(frozen=True, slots=True)
class CosineWeight:
    """What the cosine is worth for one kind of evidence.

    Attributes:
        weight: log-odds per unit of cosine, on the scale of the score's total.
        typical: mean cosine of the true structures; this much counts neither for nor against.
        helps: whether it improved the ranking of molecules that it was not fitted on.
    """

    weight: float
    typical: float
    helps: bool


def read_cosine_weights(folder: Path) -> dict[str, CosineWeight]:
    """Return the weights of the encoder in a folder, by evidence.

    Raises:
        TableError: the file is missing, damaged, or belongs to another encoder.
    """
    path = folder / FILE
    written = verified_bytes(path, repair=REFIT)
    try:
        content = json.loads(written)
        found = {
            name: CosineWeight(float(row["weight"]), float(row["typical"]), bool(row["helps"]))
            for name, row in content["evidence"].items()
        }
        fingerprint = str(content["encoder"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableError(f"cannot be read ({type(error).__name__}: {error})", field=str(path), repair=REFIT) from error
    if not {"exact", "soft"} <= found.keys():
        raise TableError("does not hold both kinds of evidence", field=str(path), repair=REFIT)
    if fingerprint != encoder_fingerprint(folder):
        read_encoder(folder)  # if its weights are damaged, that is what is wrong, and it says so
        raise TableError("was fitted for another encoder than the one beside it", field=str(path), repair=REFIT)
    return found


def write_cosine_weights(folder: Path, evidence: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the weights, with whatever figures come with them, for the encoder in the folder."""
    content = {"encoder": encoder_fingerprint(folder), "evidence": evidence}
    (folder / FILE).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    write_sum(folder / FILE)


def encoder_fingerprint(folder: Path) -> str:
    """Return the SHA-256 of the encoder's weights.

    Raises:
        TableError: there are none.
    """
    try:
        return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    except OSError as error:
        repair = "Reinstall treewright-chemistry or train the encoder again"
        raise TableError(f"cannot be read ({error})", field=str(folder / WEIGHTS), repair=repair) from error
