"""Drawing training batches: isomers side by side, and spectra as incomplete as analysts have them.

Everything drawn depends on the seed and the number of the step alone, so a resumed training sees the same
batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.encoder_features import MoleculeArrays
from treewright_chemistry.encoder_store import EncoderStore, MoleculePicker, ranges
from treewright_chemistry.encoder_tokens import ATTACHED, COUNT, COUPLING, NUCLEUS, PATTERN, SHIFT

JITTER: Final = (0.05, 0.01)
"""ppm; uncertainty put on measured 13C and 1H shifts, so that digits are not learnt by heart."""
DROP_NUCLEUS: Final = 0.4
"""Chance that a spectrum of both nuclei loses one of them."""
DROP_COUNTS: Final = 0.15
DROP_PATTERNS: Final = 0.15
DROP_COUPLINGS: Final = 0.15
DROP_ATTACHED: Final = 0.6
"""Chances that a spectrum loses its counts, patterns, couplings, or hydrogens on carbons."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpectrumArrays:
    """Spectra one after the other: peak rows, formula rows, peaks of each spectrum."""

    peaks: Floats
    formulas: Floats
    sizes: Integers


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch.

    Attributes:
        spectra: shape (batch,).
        molecules: the right molecule of each spectrum, then edited isomers, then pieces.
        negatives: number of edited isomers.
        same: whether spectrum i and molecule j (own part only) have one constitution, shape (batch, batch).
        holds: whether the molecule of spectrum i contains piece j, shape (batch, pieces).
        known: whether the pieces of the molecule of spectrum i were counted at all, shape (batch,).
    """

    spectra: SpectrumArrays
    molecules: MoleculeArrays
    negatives: int
    same: npt.NDArray[np.bool_]
    holds: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]


class BatchSource:
    """Draws batches from a store."""

    def __init__(self, store: EncoderStore, *, batch: int, isomers: int, pieces: int, seed: int) -> None:
        """Prepare drawing.

        Args:
            store: the training set; its held-out molecules are never drawn.
            batch: spectra of a batch.
            isomers: spectra of one formula that are put side by side, where there are so many.
            pieces: substructures of a batch; half of them occur in its molecules.
            seed: of everything drawn.
        """
        self.store = store
        self.picker = MoleculePicker(store.molecules)
        self._sizes, self._seed = (batch, isomers, pieces), seed
        self._examples = np.flatnonzero(~store.validation[store.owners])
        order = np.argsort(store.formulas[store.owners[self._examples]], kind="stable")
        self._sorted = self._examples[order]
        self._formulas = store.formulas[store.owners[self._sorted]]
        self._first = np.searchsorted(store.contains[:, 0], np.arange(len(store.blocks) + 1))

    def draw(self, step: int) -> Batch:
        """Return the batch of a step."""
        random = np.random.default_rng([self._seed, step])
        examples = self._draw_examples(random)
        owners = self.store.owners[examples]
        edited = self.store.edited[owners]
        edited = edited[edited >= 0]
        pieces = self._draw_pieces(owners, random)
        numbers = np.concatenate([owners, edited, self.store.piece_numbers[pieces]])
        return Batch(
            spectra=spectra_of(self.store, examples, random),
            molecules=self.picker.pick(numbers),
            negatives=len(edited),
            same=owners[:, None] == owners[None, :],
            holds=self._holds(owners, pieces),
            known=self._first[owners] < self._first[owners + 1],
        )

    def _draw_examples(self, random: np.random.Generator) -> Integers:
        """Draw anchors, half of them measured spectra, and with each anchor others of its formula."""
        batch, isomers, _ = self._sizes
        chosen: list[int] = []
        measured = self.store.measured[self._examples]
        weights = np.where(measured, 1.0 / max(measured.sum(), 1), 1.0 / max((~measured).sum(), 1))
        anchors = random.choice(self._examples, size=batch, p=weights / weights.sum())
        for anchor in anchors.tolist():
            formula = self.store.formulas[self.store.owners[anchor]]
            low, high = np.searchsorted(self._formulas, [formula, formula + 1])
            others = random.integers(low, high, isomers - 1) if high - low > isomers else np.arange(low, high)
            chosen += [anchor, *self._sorted[others].tolist()]
            if len(chosen) >= batch:
                break
        return np.array(chosen[:batch], dtype=np.int64)

    def _draw_pieces(self, owners: Integers, random: np.random.Generator) -> Integers:
        total, count = len(self.store.piece_numbers), self._sizes[2]
        if not total:
            return np.empty(0, dtype=np.int64)
        starts = self._first[owners]
        held = self.store.contains[ranges(starts, self._first[owners + 1] - starts), 1]
        held = random.permutation(np.unique(held))[: count // 2]
        rest = random.choice(total, size=min(count, total), replace=False)
        return _first_unique(held, rest, count)

    def _holds(self, owners: Integers, pieces: Integers) -> npt.NDArray[np.bool_]:
        starts = self._first[owners]
        lengths = self._first[owners + 1] - starts
        rows = np.repeat(np.arange(len(owners)), lengths)
        table = np.zeros((len(owners), len(self.store.piece_numbers) + 1), dtype=np.bool_)
        table[rows, self.store.contains[ranges(starts, lengths), 1]] = True
        return table[:, pieces]


def spectra_of(store: EncoderStore, examples: Integers, random: np.random.Generator | None) -> SpectrumArrays:
    """Return the spectra of examples with random errors and gaps; None gives fixed errors and no gaps."""
    sizes = store.starts[examples + 1] - store.starts[examples]
    rows = ranges(store.starts[examples], sizes)
    peaks, formulas = store.peaks[rows].copy(), store.formula_rows[examples].copy()
    noise = np.random.default_rng(0) if random is None else random
    _shake(peaks, store.scales[rows], np.repeat(noise.uniform(0.3, 1.3, len(examples)), sizes), noise)
    if random is None:
        return SpectrumArrays(peaks, formulas, sizes)
    owner = np.repeat(np.arange(len(examples)), sizes)
    _thin(peaks, owner, random)
    formulas[random.random(len(examples)) < DROP_COUNTS, -1] = 0.0
    uncounted = (formulas[:, -1] == 0.0) & (random.random(len(examples)) < 0.5)
    peaks[uncounted[owner], COUNT] = 0.0
    kept = _kept(peaks, owner, len(examples), random)
    return SpectrumArrays(peaks[kept], formulas, np.bincount(owner[kept], minlength=len(examples)).astype(np.int64))


def _shake(peaks: Floats, scales: Floats, factors: npt.NDArray[np.float64], random: np.random.Generator) -> None:
    nucleus = peaks[:, NUCLEUS].astype(np.int64)
    jitter = np.array(JITTER)[nucleus] * random.standard_normal(len(peaks))
    peaks[:, SHIFT] += np.where(scales > 0, random.laplace(size=len(peaks)) * scales * factors, jitter)


def _thin(peaks: Floats, owner: Integers, random: np.random.Generator) -> None:
    """Blank the patterns, couplings or attached hydrogens of some spectra."""
    number = int(owner.max()) + 1 if len(owner) else 0
    limits = np.array([DROP_PATTERNS, DROP_COUPLINGS, DROP_ATTACHED])
    patterns, couplings, attached = random.random((3, number)) < limits[:, None]
    peaks[patterns[owner], PATTERN:] = 0.0
    peaks[couplings[owner], COUPLING:] = 0.0
    peaks[attached[owner], ATTACHED] = -1.0


def _kept(peaks: Floats, owner: Integers, number: int, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return the peaks that stay after one nucleus was dropped from some of the spectra that have both."""
    protons = np.bincount(owner, peaks[:, NUCLEUS] == 1, minlength=number)
    both = (protons > 0) & (protons < np.bincount(owner, minlength=number))
    dropped = np.where(both & (random.random(number) < DROP_NUCLEUS), random.integers(0, 2, number), -1)
    kept: npt.NDArray[np.bool_] = peaks[:, NUCLEUS] != dropped[owner]
    return kept


def _first_unique(first: Integers, second: Integers, count: int) -> Integers:
    """Return the first ``count`` different numbers of both, in order."""
    joined = np.concatenate([first, second])
    return joined[np.sort(np.unique(joined, return_index=True)[1])][:count]
