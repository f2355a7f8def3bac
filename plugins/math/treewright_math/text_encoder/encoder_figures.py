"""How good an encoder is on records that it was not trained on, and the account and card of a training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import numpy.typing as npt

from treewright_math.text_encoder.embedded_encoder import FILE
from treewright_math.text_encoder.training_texts import FILES, TrainingText

if TYPE_CHECKING:
    from treewright_math.text_encoder.training import TrainingOptions

Floats = npt.NDArray[np.float32]
_NEAREST: Final = 5


class Encodes(Protocol):
    """Makes unit vectors of texts."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors, shape (len(texts), dimension)."""
        ...


def figures_of(encoder: Encodes, kept: Sequence[TrainingText], held_out: Sequence[TrainingText]) -> dict[str, float]:
    """Three figures between 0 and 1; the first alone if the held-out problems have no subjects.

    ``own solution``: how often a held-out problem's own solution is the nearest of all held-out ones. ``same subject``:
    of the five trained-on problems of MATH nearest to a held-out one, the share of its subject. ``same subject, both
    held out``: the same among the held-out problems alone, whose subjects the encoder was never told.
    """
    problems = encoder.encode([text.problem for text in held_out])
    solutions = encoder.encode([text.solution for text in held_out])
    own = (problems @ solutions.T).argmax(axis=1) == np.arange(len(held_out))
    asked = np.array([bool(text.subject) for text in held_out])
    subjects = np.array([text.subject for text in held_out])
    known = [text for text in kept if text.subject]
    if not asked.any() or not known:
        return {"own solution": float(own.mean())}
    known_vectors, known_subjects = encoder.encode([t.problem for t in known]), np.array([t.subject for t in known])
    among = problems[asked] @ problems[asked].T
    np.fill_diagonal(among, -np.inf)
    return {
        "own solution": float(own.mean()),
        "same subject": _share(problems[asked] @ known_vectors.T, subjects[asked], known_subjects),
        "same subject, both held out": _share(among, subjects[asked], subjects[asked]),
    }


def _share(similar: Floats, wanted: npt.NDArray[np.str_], subjects: npt.NDArray[np.str_]) -> float:
    nearest = np.argsort(-similar, axis=1, kind="stable")[:, :_NEAREST]
    return float((subjects[nearest] == wanted[:, None]).mean())


def write_account(
    out: Path, data: Path, options: TrainingOptions, figures: dict[str, float], seconds: float, exclude: str
) -> None:
    """Write ``text_encoder.json``: recipe, sources with checksums, what was left out, figures."""
    sources = [{"name": name, "sha256": _sha256(data / "math" / name), "licence": "MIT"} for name in FILES]
    account = {
        "recipe": "treewright train math/text-encoder",
        "options": asdict(options),
        "sources": sources,
        "held out": "every tenth record of both files together",
        "problems left out of": exclude,
        "figures": figures,
        "seconds": round(seconds, 1),
        "sha256": _sha256(out / FILE),
    }
    (out / "text_encoder.json").write_text(json.dumps(account, indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
