"""The parts of the score of candidates against one spectrum, each an array over the candidates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from treewright_chemistry.candidates import CandidateBatch
from treewright_chemistry.matching import mutual, one_to_one, onto, sort_rows
from treewright_chemistry.observations import MAX_ATTACHED, MAX_NEIGHBOURS, Observations
from treewright_chemistry.shift_types import Shifts

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


def carbon_part(carbon: Shifts, offsets: Floats, seen: Observations) -> Floats:
    """Return the 13C log-likelihood, summed over the distinct lines; 0 without 13C lines.

    Args:
        carbon: predictions of all carbons of the batch.
        offsets: of the members of unequal pairs, shape (candidates, carbons); used where they fit better.
        seen: the spectrum.
    """
    if not seen.carbon.size:
        return np.zeros(len(offsets))
    mean, scale = carbon.mean.reshape(offsets.shape), carbon.scale.reshape(offsets.shape)
    value = _carbon_fit(mean, scale, seen)
    if offsets.any():
        value = np.maximum(value, _carbon_fit(mean + offsets, scale, seen))
    result: Floats = value * seen.classes
    return result


def _carbon_fit(mean: Floats, scale: Floats, seen: Observations) -> Floats:
    mean, scale = sort_rows(mean, scale)
    if seen.counted:
        return one_to_one(mean, scale, seen.carbon, "13C")
    if seen.carbon.shape[1] <= mean.shape[1]:
        return onto(mean, scale, seen.carbon[0], "13C")
    return mutual(mean, scale, np.ones(mean.shape), seen.carbon[0], "13C")


def proton_part(proton: Shifts, hydrogens: Integers, seen: Observations, *, exact: bool) -> Floats:
    """Return the 1H log-likelihood of hydrogens on carbon, summed over distinct peaks; 0 without lines."""
    if not len(seen.proton):
        return np.zeros(len(hydrogens))
    mean, scale = proton.mean.reshape(hydrogens.shape), proton.scale.reshape(hydrogens.shape)
    if exact and seen.proton_counted:
        return seen.proton_peaks * _counted_protons(mean, scale, hydrogens, seen.proton)
    # In measured spectra hydrogens on heteroatoms may be listed or not, and counts are integrals: only cover.
    lines = np.unique(seen.proton)
    return mutual(mean, scale, (hydrogens > 0).astype(np.float64), lines, "1H") * seen.proton_peaks


def _counted_protons(mean: Floats, scale: Floats, hydrogens: Integers, lines: Floats) -> Floats:
    """Match hydrogen by hydrogen; where the totals differ, the lines are thinned or repeated evenly."""
    totals = hydrogens.sum(1)
    result = np.full(len(hydrogens), -8.0)
    for total in np.unique(totals[totals > 0]).tolist():
        here = totals == total
        repeats = hydrogens[here].ravel()
        rows = [np.repeat(values[here].ravel(), repeats).reshape(-1, total) for values in (mean, scale)]
        chosen = lines[((np.arange(total) + 0.5) * len(lines) / total).astype(np.int64)]
        result[here] = one_to_one(*sort_rows(*rows), chosen[None], "1H")
    return result


def class_parts(keys: Keys, separate: Keys, seen: Observations) -> tuple[Floats, Floats, Floats]:
    """Return peaks without class, classes without peak, and the share of carbons in classes of wrong size.

    Args:
        keys: environment of every carbon at the largest radius, the same for equivalent carbons,
            shape (candidates, carbons).
        separate: the same with the members of unequal pairs apart; whichever fits the spectrum better counts.
        seen: the spectrum.
    """
    zeros = np.zeros(len(keys))
    if not seen.carbon.size:
        return zeros, zeros, zeros
    joined = _class_parts(keys, seen)
    if np.array_equal(keys, separate):
        return joined
    apart = _class_parts(separate, seen)
    better = sum(apart) < sum(joined)
    missing, surplus, wrong = (np.where(better, new, old) for new, old in zip(apart, joined, strict=True))
    return missing, surplus, wrong


def _class_parts(keys: Keys, seen: Observations) -> tuple[Floats, Floats, Floats]:
    ordered = np.sort(keys, axis=1)
    first = np.concatenate([np.ones((len(keys), 1), np.bool_), ordered[:, 1:] != ordered[:, :-1]], axis=1)
    excess = (first.sum(1) - seen.classes).astype(np.float64)
    wrong = _wrong_sizes(first, seen.sizes) if seen.sizes else np.zeros(len(keys))
    return np.maximum(-excess, 0.0), np.maximum(excess, 0.0), wrong


def _wrong_sizes(first: npt.NDArray[np.bool_], sizes: tuple[int, ...]) -> Floats:
    """Compare class sizes, largest first, with those observed."""
    number, width = first.shape
    slots = np.arange(number)[:, None] * width + np.cumsum(first, axis=1) - 1
    found = np.bincount(slots.ravel(), minlength=number * width).reshape(number, width)
    wanted = np.zeros(width)
    wanted[: len(sizes)] = sizes[:width]
    difference: Floats = np.abs(-np.sort(-found, axis=1) - wanted).sum(1) / (2.0 * width)
    return difference


def labile_part(hydrogens: Integers, seen: Observations, *, exact: bool) -> Floats:
    """Return by how many the hydrogens on carbon miss the 1H list; if soft, only those not listed count."""
    if seen.listed is None:
        return np.zeros(len(hydrogens))
    surplus: Floats = (hydrogens.sum(1) - seen.listed).astype(np.float64)
    missed: Floats = np.abs(surplus) if exact else np.maximum(surplus, 0.0)
    return missed


def neighbour_part(batch: CandidateBatch, seen: Observations) -> Floats:
    """Return the share of hydrogens whose number of neighbours differs from what the patterns say."""
    if not seen.neighbours.any():
        return np.zeros(len(batch.hydrogens))
    found = _shares(np.minimum(batch.vicinal, MAX_NEIGHBOURS), batch.hydrogens, MAX_NEIGHBOURS + 1)
    difference: Floats = np.abs(found - seen.neighbours).sum(1) / 2.0
    return difference


def attached_part(batch: CandidateBatch, seen: Observations) -> Floats:
    """Return the share of carbons whose hydrogens differ from what the spectrum tells (DEPT letters)."""
    if not seen.attached.any():
        return np.zeros(len(batch.hydrogens))
    found = _shares(batch.hydrogens, np.ones_like(batch.hydrogens), MAX_ATTACHED + 1)
    difference: Floats = np.abs(found - seen.attached).sum(1) / 2.0
    return difference


def _shares(values: Integers, weights: Integers, size: int) -> Floats:
    """Return the weighted share of every value below ``size`` per row, shape (rows, size)."""
    slots = values + size * np.arange(len(values))[:, None]
    counts = np.bincount(slots.ravel(), weights.ravel().astype(np.float64), minlength=size * len(values))
    table = counts.reshape(len(values), size)
    shares: Floats = table / np.maximum(table.sum(1, keepdims=True), 1e-9)
    return shares
