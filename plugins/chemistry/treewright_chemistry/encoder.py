"""The molecule-spectrum encoder in use: unit vectors of spectra, molecules and substructures.

The cosine of a spectrum and a molecule tells how well they go together, in [-1, 1], higher is better. It is
a rank score and no probability. torch is imported when an encoder is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.encoder_batches import SpectrumArrays
from treewright_chemistry.encoder_features import molecule_arrays
from treewright_chemistry.encoder_file import CONFIG, read_encoder
from treewright_chemistry.encoder_tokens import formula_row, peak_rows
from treewright_chemistry.environments import check_scheme
from treewright_chemistry.errors import StructureError, TableError
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import Mol, parse_structure
from treewright_chemistry.substructures import Substructure

if TYPE_CHECKING:
    from treewright_chemistry.encoder_model import DualEncoderModel

CHUNK: Final = 512
"""Molecules encoded at once; bounds the memory."""

Vectors = npt.NDArray[np.float32]


class DualEncoder:
    """Encodes spectra and molecules; made by ``load``."""

    def __init__(self, model: DualEncoderModel, tables: ShiftTables, width: int) -> None:
        """Wrap a trained model.

        Args:
            model: both networks, in evaluation mode.
            tables: expected shifts, a part of what the networks see of a molecule.
            width: of the vectors.
        """
        self.width = width
        self._model = model
        self._tables = tables

    @staticmethod
    def load(folder: Path | None = None) -> DualEncoder:
        """Return the encoder shipped with the package, or the one in a folder.

        Raises:
            TableError: a file is missing, damaged, or made for other networks or identifiers.
            ImportError: torch is not installed.
        """
        place = folder or Path(str(resources.files(__package__).joinpath("data")))
        weights, config = read_encoder(place)
        check_scheme(config.get("scheme"), place / CONFIG, "treewright train chemistry/scorer")
        model = _rebuilt(weights, config, place)
        return DualEncoder(model, ShiftTables.load(network=False), int(config["sizes"]["vector"]))

    def encode_spectrum(self, spectrum: Spectrum) -> Vectors:
        """Return the unit vector of a spectrum, shape (width,)."""
        vector: Vectors = self.encode_spectra([spectrum])[0]
        return vector

    def encode_spectra(self, spectra: Sequence[Spectrum]) -> Vectors:
        """Return unit vectors, shape (spectra, width)."""
        import torch

        if not spectra:
            return np.empty((0, self.width), dtype=np.float32)
        peaks = [peak_rows(spectrum) for spectrum in spectra]
        formulas = np.stack([formula_row(s.formula, exact=s.evidence == "exact") for s in spectra])
        arrays = SpectrumArrays(np.concatenate(peaks), formulas, _lengths(peaks))
        with torch.inference_mode():
            vectors: Vectors = self._model.spectrum(arrays).numpy()
        return vectors

    def encode_molecules(self, molecules: Iterable[Mol]) -> Vectors:
        """Return unit vectors of sanitized molecules with implicit hydrogens, shape (molecules, width)."""
        import torch

        parts = [np.empty((0, self.width), dtype=np.float32)]
        for chunk in _chunks(molecules):
            with torch.inference_mode():
                parts.append(self._model.molecule(molecule_arrays(chunk, self._tables)).numpy())
        return np.concatenate(parts)

    def cosines(self, spectrum: Spectrum, molecules: Iterable[Mol]) -> Vectors:
        """Return how well each molecule goes with the spectrum, shape (molecules,)."""
        cosines: Vectors = self.encode_molecules(molecules) @ self.encode_spectrum(spectrum)
        return cosines

    def substructure_vectors(self, records: Iterable[Substructure]) -> Vectors:
        """Return the unit vectors of substructures, to be searched by spectrum, shape (records, width).

        Raises:
            StructureError: names the record whose SMILES cannot be read.
        """
        import torch

        vectors = self.encode_molecules(_piece(number, record) for number, record in enumerate(records, start=1))
        with torch.inference_mode():
            mapped = self._model.piece_map(torch.from_numpy(vectors))
            turned: Vectors = torch.nn.functional.normalize(mapped, dim=1).numpy()
        return turned


def _lengths(peaks: list[Vectors]) -> npt.NDArray[np.int64]:
    return np.array([len(rows) for rows in peaks], dtype=np.int64)


def _piece(number: int, record: Substructure) -> Mol:
    return parse_structure(record.smiles, field=f"substructure {number}")


def _chunks(molecules: Iterable[Mol]) -> Iterable[list[Mol]]:
    chunk: list[Mol] = []
    for molecule in molecules:
        if not molecule.GetNumAtoms():
            raise StructureError("the molecule has no atoms", field="molecule", repair="Give at least one atom")
        chunk.append(molecule)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _rebuilt(weights: dict[str, Any], config: dict[str, Any], place: Path) -> DualEncoderModel:
    import torch

    from treewright_chemistry.encoder_model import DualEncoderModel, EncoderSizes

    try:
        model = DualEncoderModel(EncoderSizes(**config["sizes"]))
        model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    except (KeyError, TypeError, RuntimeError) as error:
        what = f"does not fit these networks ({str(error).splitlines()[0]})"
        raise TableError(what, field=str(place / CONFIG), repair="Train the encoder again") from error
    return model.eval()
