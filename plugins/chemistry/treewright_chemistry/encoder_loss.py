"""The loss of the dual encoder (needs torch).

NT-Xent in both directions (Chen et al., ICML 2020, temperature 0.07): a spectrum against the molecules of its
batch, isomers of its own formula among them, and against edited isomers; a molecule against the spectra. A further
term, one sigmoid per pair, draws a spectrum towards the substructures that its molecule contains.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from treewright_chemistry.encoder_batches import Batch
from treewright_chemistry.encoder_model import DualEncoderModel

__all__ = ["losses_of"]

TAU: Final = 0.07
"""Temperature."""


def losses_of(model: DualEncoderModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the contrastive and the substructure loss of a batch."""
    spectra = model.spectrum(batch.spectra)
    molecules = model.molecule(batch.molecules)
    number = len(spectra)
    same = torch.from_numpy(batch.same)
    twins = same & ~torch.eye(number, dtype=torch.bool)
    whole = molecules[: number + batch.negatives]
    logits = spectra @ whole.T / TAU
    logits = logits.masked_fill(functional.pad(twins, (0, batch.negatives)), -1e4)
    own = torch.arange(number)
    forth = functional.cross_entropy(logits, own)
    back = functional.cross_entropy(logits[:, :number].T, own)
    return (forth + back) / 2.0, _piece_loss(model, spectra, molecules[number + batch.negatives :], batch)


def _piece_loss(model: DualEncoderModel, spectra: Tensor, pieces: Tensor, batch: Batch) -> Tensor:
    known = torch.from_numpy(batch.known)
    if not len(pieces) or not known.any():
        return spectra.sum() * 0.0
    logits = model.piece_scale[0].exp() * (spectra[known] @ pieces.T) + model.piece_scale[1]
    return functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(batch.holds)[known].float())
