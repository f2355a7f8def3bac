"""Spectra of problems with their encoder vectors; the last few are kept, which only saves time."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from treewright_chemistry.shared_encoder import shared_encoder
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import Mol
from treewright_chemistry.torch_threads import one_torch_thread

MOST_KEPT: Final = 64


class EncodedSpectrum(NamedTuple):
    """A spectrum and its unit vector, shape (width,)."""

    spectrum: Spectrum
    vector: npt.NDArray[np.float32]


class EncodedSpectra:
    """Encodes the prompts of problems.

    Args:
        folder: of the encoder; empty for the shipped one.

    Raises:
        TableError: the encoder cannot be used; names the file.
    """

    def __init__(self, folder: str = "") -> None:
        self._encoder = shared_encoder(folder)
        self._kept: OrderedDict[str, EncodedSpectrum] = OrderedDict()

    def of(self, payload: Any) -> EncodedSpectrum:
        """The spectrum of a payload with its vector.

        Raises:
            ChemistryError: the payload is no spectrum.
        """
        key = json.dumps(payload, sort_keys=True, default=str)
        if key not in self._kept:
            spectrum = SpectrumCodec().decode(payload)
            with one_torch_thread():
                self._kept[key] = EncodedSpectrum(spectrum, self._encoder.encode_spectrum(spectrum))
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def cosine(self, payload: Any, molecule: Mol) -> float:
        """The cosine of the payload's spectrum and a molecule; one at a time, so no batch changes its last bits."""
        vector = self.of(payload).vector
        with one_torch_thread():
            return float(self._encoder.encode_molecules([molecule])[0] @ vector)
