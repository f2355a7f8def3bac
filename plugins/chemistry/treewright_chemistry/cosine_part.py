"""The encoder's cosine as one part of the score, next to the shift likelihoods.

    part = cos(spectrum, molecule) - typical        total += weight · part

Weight and typical cosine are fitted together with the encoder (``cosine_fit``), so that the part speaks the
language of the others, log-odds, and a typical truth keeps its reward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from treewright_chemistry.cosine_weights import read_cosine_weights
from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.shared_encoder import encoder_folder, shared_encoder
from treewright_chemistry.spectrum import Evidence, Spectrum
from treewright_chemistry.structures import Mol
from treewright_chemistry.torch_threads import one_torch_thread

Floats = npt.NDArray[np.float64]
CosineSetting = bool | float | Literal["auto"]
"""``auto``: where the fit says that it helps; true, false: always, never; a number: this weight."""


@dataclass(frozen=True, slots=True)
class CosinePart:
    """The part for one kind of evidence.

    Attributes:
        encoder: gives the cosines.
        weight, typical: see ``CosineWeight``.
    """

    encoder: DualEncoder
    weight: float
    typical: float

    def spectrum_vector(self, spectrum: Spectrum) -> npt.NDArray[np.float32]:
        """Return the unit vector of a spectrum, to be computed once for all its candidates."""
        with one_torch_thread():
            return self.encoder.encode_spectrum(spectrum)

    def values(self, vector: npt.NDArray[np.float32], molecules: Sequence[Mol]) -> Floats:
        """Return the part for each molecule, shape (molecules,); about 3 ms a molecule."""
        with one_torch_thread():
            found: Floats = (self.encoder.encode_molecules(molecules) @ vector).astype(np.float64)
        return found - self.typical


def cosine_part(setting: CosineSetting, evidence: Evidence, folder: str = "") -> CosinePart | None:
    """Return the part as a setting asks for it; None where it shall not count.

    Args:
        setting: whether, and how much.
        evidence: of the spectrum.
        folder: of the encoder; empty for the shipped one.

    Raises:
        TableError: the encoder or its weights cannot be used; names the file.
    """
    if setting is False:
        return None
    fitted = read_cosine_weights(encoder_folder(folder))[evidence]
    if setting == "auto" and not fitted.helps:
        return None
    weight = fitted.weight if isinstance(setting, bool | str) else float(setting)
    return CosinePart(shared_encoder(folder), weight, fitted.typical)
