"""The embedded encoder: a weighted sum of one vector per known feature, scaled to length 1.

    v = Σ_f (1 + ln n_f) · E_f        encode(text) = v / |v|

n_f is how often feature f occurs, E_f its trained vector (8-bit numbers and one scale a row in the file). A text
without any known feature gets the vector of the empty text, a fixed direction of its own.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from treewright_knowledge import Encoder
from treewright_math.text_encoder.features import features_of
from treewright_registry import DataError

FILE: Final = "text_encoder.safetensors"
NAME: Final = "math/text-encoder"

Floats = npt.NDArray[np.float32]


class EmbeddedTextEncoder:
    """Vectors of texts by the embedded encoder; numpy only.

    Args:
        hashes: of the known features, ascending, shape (features,).
        rows: their vectors, shape (features, dimension).
        version: begins the checksum of the file.
    """

    def __init__(self, hashes: npt.NDArray[np.uint32], rows: Floats, version: str) -> None:
        self._row_of = {int(feature): number for number, feature in enumerate(hashes)}
        self._rows = rows
        self.identity = Encoder(NAME, version)

    @classmethod
    def load(cls, path: Path) -> "EmbeddedTextEncoder":
        """The encoder in a file.

        Raises:
            DataError: it is missing, damaged or no encoder.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            content = path.read_bytes()
            tensors: dict[str, Any] = load(content)
            rows = tensors["rows"].astype(np.float32) * tensors["scales"].astype(np.float32)[:, None]
            return cls(tensors["hashes"], rows, sha256(content).hexdigest()[:12])
        except OSError as error:
            raise DataError(f"{path}: no text encoder: {error}\n    train one: treewright train {NAME}") from error
        except (SafetensorError, KeyError, ValueError, IndexError) as error:
            raise DataError(f"{path}: no text encoder: {error!r}\n    train one: treewright train {NAME}") from error

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        return int(self._rows.shape[1])

    def encode(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, shape (len(texts), dimension); a text's vector does not depend on the others."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            vector[:] = self._vector(text)
        return vectors

    def _vector(self, text: str) -> Floats:
        known = [(self._row_of[f], count) for f, count in features_of(text).items() if f in self._row_of]
        if not known:
            nothing: Floats = np.zeros(self.dimension, dtype=np.float32)
            nothing[0] = 1.0
            return nothing
        numbers, counts = zip(*sorted(known), strict=True)
        weights = (1.0 + np.log(np.array(counts, dtype=np.float32))).astype(np.float32)
        total = np.einsum("f,fd->d", weights, self._rows[list(numbers)])
        unit: Floats = total / np.float32(max(float(np.sqrt(np.square(total, dtype=np.float64).sum())), 1e-12))
        return unit


def write_encoder(path: Path, hashes: npt.NDArray[np.uint32], rows: Floats) -> None:
    """Write an encoder: features sorted, rows as 8-bit numbers with one 16-bit scale each."""
    from safetensors.numpy import save_file

    order = np.argsort(hashes)
    sorted_rows = rows[order]
    scales = np.maximum(np.abs(sorted_rows).max(axis=1), 1e-8) / 127.0
    half = scales.astype(np.float16)
    numbers = np.clip(np.rint(sorted_rows / half.astype(np.float32)[:, None]), -127, 127).astype(np.int8)
    save_file({"hashes": hashes[order].astype(np.uint32), "rows": numbers, "scales": half}, path)
    path.chmod(0o644)  # the library makes files that only their owner can read


@lru_cache(maxsize=4)
def shared_encoder(folder: str = "") -> EmbeddedTextEncoder:
    """The encoder of a folder, loaded once in a process; without a folder the one that comes with the package."""
    if folder:
        return EmbeddedTextEncoder.load(Path(folder) / FILE)
    return EmbeddedTextEncoder.load(Path(str(resources.files("treewright_math").joinpath("data", FILE))))
