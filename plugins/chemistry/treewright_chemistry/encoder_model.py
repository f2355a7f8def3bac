"""The dual encoder as a torch module: molecules and spectra to unit vectors of one space.

Molecule: a graph network over heavy atoms (sum aggregation as in GIN, Xu et al., ICLR 2019, here with one
matrix for neighbours and one for excess bond orders), joined with embedded fingerprints. Spectrum: a
transformer over the set of peaks and one formula token, mean pooled; without positions, so the order of
peaks means nothing.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from treewright_chemistry.encoder_batches import SpectrumArrays
from treewright_chemistry.encoder_features import ELEMENTS, GLOBALS, MORGAN_BITS, MoleculeArrays
from treewright_chemistry.encoder_tokens import (
    ATTACHED,
    COLUMNS,
    COUNT,
    COUPLING,
    FORMULA_COLUMNS,
    NUCLEUS,
    PATTERN,
    SHIFT,
)

GROUP: Final = 32
"""Spectra padded to one length."""
PERIODS: Final = (
    (320.0, 160.0, 80.0, 40.0, 20.0, 10.0, 5.0, 2.5),
    (16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.125),
)
"""ppm; wave lengths that a 13C and a 1H shift are turned to."""
WAVES: Final = 2 * len(PERIODS[0])
PLACES: Final = (len(ELEMENTS) + 1, 7, 5, 5, 2, 8)
"""Values of the six marks of an atom (see ``MoleculeArrays.atoms``)."""
RADIUS_PLACES: Final = 7
MAX_COUNT: Final = 10
COUPLING_BINS: Final = (1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0, 9.0, 11.0, 14.0)
"""Hz; bounds of the bins of coupling constants."""
ATOM_FEATURES: Final = sum(PLACES) + 2 * (WAVES + RADIUS_PLACES + 1)
PEAK_FEATURES: Final = 2 + 2 * WAVES + (MAX_COUNT + 2) + 5 + (COUPLING - PATTERN) + len(COUPLING_BINS) + 1


@dataclass(frozen=True, slots=True)
class EncoderSizes:
    """Widths and depths; the defaults give about 1.9 million weights."""

    vector: int = 256
    atom_width: int = 128
    atom_layers: int = 4
    bits_width: int = 192
    hidden: int = 384
    peak_width: int = 144
    peak_layers: int = 3
    heads: int = 4
    dropout: float = 0.1

    def as_dict(self) -> dict[str, float]:
        """Return the fields, for a configuration file."""
        return asdict(self)


class DualEncoderModel(nn.Module):
    """Both encoders, and the map that turns the vectors of substructures (`encoder_pieces`), at first the identity.

    The piece scale belongs to the loss.
    """

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        self.molecule = MoleculeEncoder(sizes)
        self.spectrum = SpectrumEncoder(sizes)
        self.piece_scale = nn.Parameter(torch.tensor([math.log(10.0), -3.0]))
        self.piece_map = nn.Linear(sizes.vector, sizes.vector)
        nn.init.eye_(self.piece_map.weight)
        nn.init.zeros_(self.piece_map.bias)


class MoleculeEncoder(nn.Module):
    """Molecules to unit vectors."""

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        width = sizes.atom_width
        self.entry = nn.Linear(ATOM_FEATURES, width)
        self.layers = nn.ModuleList(nn.Linear(3 * width, width) for _ in range(sizes.atom_layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(sizes.atom_layers))
        self.pool = nn.Linear(2 * width, sizes.hidden)
        self.bits = nn.EmbeddingBag(MORGAN_BITS, sizes.bits_width, mode="sum")
        nn.init.normal_(self.bits.weight, 0.0, 0.1)
        self.globals = nn.Linear(GLOBALS, sizes.bits_width)
        self.head = nn.Sequential(
            nn.Linear(sizes.hidden + 2 * sizes.bits_width, sizes.hidden),
            nn.GELU(),
            nn.Dropout(sizes.dropout),
            nn.Linear(sizes.hidden, sizes.vector),
        )

    def forward(self, molecules: MoleculeArrays) -> Tensor:
        """Return unit vectors, shape (molecules, vector)."""
        sizes = torch.from_numpy(molecules.sizes)
        owner = torch.repeat_interleave(torch.arange(len(sizes)), sizes[:, 0])
        state = self._atoms(molecules, sizes)
        pooled = torch.zeros(len(sizes), state.shape[1]).index_add_(0, owner, state)
        number = sizes[:, :1].clamp(min=1)
        graph = functional.gelu(self.pool(torch.cat([pooled / number, pooled / 16.0], dim=1)))
        table = torch.from_numpy(molecules.globals)
        joined = torch.cat(
            [graph, functional.gelu(self._bits(molecules, sizes)), self.globals(_squashed(table))], dim=1
        )
        return functional.normalize(self.head(joined), dim=1)

    def _atoms(self, molecules: MoleculeArrays, sizes: Tensor) -> Tensor:
        """Pass messages along bonds; returns the state of every atom, shape (atoms, width)."""
        state = functional.gelu(self.entry(atom_features(molecules)))
        offsets = torch.repeat_interleave(torch.cumsum(sizes[:, 0], 0) - sizes[:, 0], sizes[:, 1])
        bonds = torch.from_numpy(molecules.bonds).long()
        first, second = bonds[:, 0] + offsets, bonds[:, 1] + offsets
        source, target = torch.cat([first, second]), torch.cat([second, first])
        excess = (bonds[:, 2].float() / 2.0 - 1.0).repeat(2)[:, None]
        for layer, norm in zip(self.layers, self.norms, strict=True):
            sent = state[source]
            near = torch.zeros_like(state).index_add_(0, target, sent)
            multiple = torch.zeros_like(state).index_add_(0, target, sent * excess)
            state = norm(state + functional.gelu(layer(torch.cat([state, near, multiple], dim=1))))
        return state

    def _bits(self, molecules: MoleculeArrays, sizes: Tensor) -> Tensor:
        bits = torch.from_numpy(molecules.bits).long()
        starts = torch.cumsum(sizes[:, 2], 0) - sizes[:, 2]
        summed: Tensor = self.bits(bits[:, 0], starts, per_sample_weights=torch.log1p(bits[:, 1].float()))
        return summed


class SpectrumEncoder(nn.Module):
    """Spectra to unit vectors."""

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        width = sizes.peak_width
        self.entry = nn.Sequential(nn.Linear(PEAK_FEATURES, width), nn.GELU(), nn.Linear(width, width))
        self.formula = nn.Sequential(nn.Linear(2 * FORMULA_COLUMNS, width), nn.GELU(), nn.Linear(width, width))
        layer = nn.TransformerEncoderLayer(
            width, sizes.heads, 2 * width, sizes.dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, sizes.peak_layers, enable_nested_tensor=False)
        self.head = nn.Sequential(
            nn.Linear(3 * width, sizes.hidden),
            nn.GELU(),
            nn.Dropout(sizes.dropout),
            nn.Linear(sizes.hidden, sizes.vector),
        )

    def forward(self, spectra: SpectrumArrays) -> Tensor:
        """Return unit vectors, shape (spectra, vector)."""
        sizes = torch.from_numpy(spectra.sizes)
        table = torch.from_numpy(spectra.formulas)
        formula = self.formula(torch.cat([_squashed(table), table / 10.0], dim=1))
        rows = self.entry(peak_features(torch.from_numpy(spectra.peaks)))
        starts = torch.cumsum(sizes, 0) - sizes
        # Spectra of like length go together: padding all to the longest would triple the work.
        order = torch.argsort(sizes, stable=True)
        pooled = [self._pooled(rows, formula, starts, sizes, numbers) for numbers in torch.split(order, GROUP)]
        return functional.normalize(self.head(torch.cat(pooled)[torch.argsort(order)]), dim=1)

    def _pooled(self, rows: Tensor, formula: Tensor, starts: Tensor, sizes: Tensor, numbers: Tensor) -> Tensor:
        """Return mean, scaled sum and formula token of some of the spectra, shape (numbers, 3 * width)."""
        sizes = sizes[numbers]
        places = torch.arange(int(sizes.max()))
        empty = places[None, :] >= sizes[:, None]
        block = rows[(starts[numbers][:, None] + places).clamp(max=len(rows) - 1)]
        padding = torch.cat([torch.zeros(len(sizes), 1, dtype=torch.bool), empty], dim=1)
        state = self.layers(torch.cat([formula[numbers][:, None], block], dim=1), src_key_padding_mask=padding)
        state = state.masked_fill(padding[..., None], 0.0)
        total = state.sum(dim=1)
        return torch.cat([total / (1.0 + sizes[:, None]), total / 16.0, state[:, 0]], dim=1)


def atom_features(molecules: MoleculeArrays) -> Tensor:
    """Return what the network sees of atoms, shape (atoms, ATOM_FEATURES)."""
    atoms, shifts = torch.from_numpy(molecules.atoms).long(), torch.from_numpy(molecules.shifts)
    parts = [functional.one_hot(atoms[:, k], places).float() for k, places in enumerate(PLACES)]
    for nucleus in (0, 1):
        radius, seen = atoms[:, 6 + 2 * nucleus], atoms[:, 7 + 2 * nucleus]
        known = (radius >= 0).float()[:, None]
        parts.append(_waves(shifts[:, nucleus], nucleus) * known)
        parts.append(functional.one_hot(radius + 1, RADIUS_PLACES).float())
        parts.append(torch.log1p(seen.float())[:, None] / 3.0)
    return torch.cat(parts, dim=1)


def peak_features(peaks: Tensor) -> Tensor:
    """Return what the network sees of peak rows of shape (peaks, COLUMNS), shape (peaks, PEAK_FEATURES)."""
    assert peaks.shape[1] == COLUMNS
    nucleus = functional.one_hot(peaks[:, NUCLEUS].long(), 2).float()
    waves = [_waves(peaks[:, SHIFT], k) * nucleus[:, k : k + 1] for k in (0, 1)]
    count = functional.one_hot(peaks[:, COUNT].round().long().clamp(0, MAX_COUNT), MAX_COUNT + 1).float()
    attached = functional.one_hot(peaks[:, ATTACHED].long().clamp(-1, 3) + 1, 5).float()
    couplings = peaks[:, COUPLING:]
    bins = functional.one_hot(
        torch.bucketize(couplings.contiguous(), torch.tensor(COUPLING_BINS)), len(COUPLING_BINS) + 1
    ).float()
    histogram = (bins * (couplings > 0)[..., None]).sum(dim=1)
    parts = [
        nucleus,
        *waves,
        count,
        peaks[:, COUNT : COUNT + 1] / 5.0,
        attached,
        peaks[:, PATTERN:COUPLING],
        histogram,
    ]
    return torch.cat(parts, dim=1)


def _waves(shifts: Tensor, nucleus: int) -> Tensor:
    angles = shifts[:, None] * (2.0 * math.pi / torch.tensor(PERIODS[nucleus]))
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)


def _squashed(table: Tensor) -> Tensor:
    """Return log(1 + x) with sign, so that hydrogen counts do not drown the rest."""
    return torch.sign(table) * torch.log1p(table.abs())
