"""Writing the trained tables, and measuring their errors per radius on held-out and on training molecules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.environments import RADII, scheme_fingerprint
from treewright_chemistry.model_files import Arrays, write_arrays
from treewright_chemistry.shift_atoms import NUCLEI, Atoms, Observed, average, errors, prior, usable_weights
from treewright_chemistry.shift_statistics import EnvironmentIndex, Estimate, LevelStatistics, summarise
from treewright_chemistry.shifts import FILE, PAIR_RADIUS

FLOOR: Final = {"carbon": 0.5, "proton": 0.03}
"""Least scale in ppm."""
UNIT: Final = {"carbon": 0.01, "proton": 0.001}
"""ppm of one step of the stored means."""
PAIR_MOLECULES: Final = 3
PAIR_LEAST: Final = 0.8
"""Molecules needed, and least half difference in ppm, for a pair of methyls to count as unequal."""
COUNT_STEPS: Final = (2, 3, 6, 16)
"""Bounds of the classes of counts that the error is measured in."""

Floats = npt.NDArray[np.float64]
Log = Callable[[str], None]


def export_tables(atoms: Atoms, observed: Observed, out_dir: Path, log: Log) -> dict[str, float]:
    """Write ``shifts.npz`` to ``out_dir`` and return mean and median absolute errors in ppm."""
    arrays: Arrays = {"scheme": np.array(scheme_fingerprint())}
    figures: dict[str, float] = {}
    for nucleus in NUCLEI:
        distance, estimate = errors(atoms, observed, nucleus)
        figures |= _report(atoms, distance, estimate, nucleus, log)
        values, weights = np.nan_to_num(getattr(observed, nucleus)), usable_weights(atoms, observed, nucleus)
        levels = summarise(atoms.index, values, weights, prior(atoms, nucleus))
        scales = _bucket_scales(distance[~atoms.validation], estimate, ~atoms.validation)
        _fold(arrays, nucleus, levels, scales)
    arrays = _pruned(arrays, atoms.index) | _unequal_pairs(atoms, observed)
    write_arrays(out_dir / FILE, arrays)
    return figures


def _report(atoms: Atoms, distance: Floats, estimate: Estimate, nucleus: str, log: Log) -> dict[str, float]:
    """Print the errors by radius, held-out beside training, and return the overall figures."""
    held = atoms.validation & np.isfinite(distance)
    log(f"{NUCLEI[nucleus]}: radius, held-out atoms, mean (median) absolute error held-out, training")
    for radius in range(-1, RADII):
        here = estimate.radius == radius
        found = distance[here & held]
        if len(found):
            train = average(distance[here & ~atoms.validation])
            log(f"  {radius:2d} {len(found):6d}  {found.mean():7.3f} ({np.median(found):.3f})  {train:7.3f}")
    assigned = np.isfinite(np.concatenate([getattr(m, nucleus) for m in atoms.molecules]))
    figures = {
        f"{nucleus}_train_mae": average(distance[~atoms.validation]),
        f"{nucleus}_held_out_mae": average(distance[held]),
        f"{nucleus}_held_out_median": float(np.median(distance[held])) if held.any() else float("nan"),
    }
    if nucleus == "carbon":
        figures["carbon_held_out_assigned_mae"] = average(distance[held & assigned])
    log(f"  {figures}")
    return figures


def _bucket_scales(distance: Floats, estimate: Estimate, rows: npt.NDArray[np.bool_]) -> Floats:
    """Return mean absolute errors by (radius, class of count), shape (RADII, classes)."""
    radius, bucket = estimate.radius[rows], np.digitize(estimate.count[rows], COUNT_STEPS)
    scales = np.full((RADII, len(COUNT_STEPS) + 1), np.nan)
    for level in range(RADII):
        for step in range(len(COUNT_STEPS) + 1):
            here = (radius == level) & (bucket == step) & np.isfinite(distance)
            if here.sum() >= 20:
                scales[level, step] = distance[here].mean()
        overall = average(distance[radius == level])
        scales[level] = np.where(np.isnan(scales[level]), overall, scales[level])
    # A radius at which nothing was measured borrows from the next smaller one.
    for level in range(1, RADII):
        scales[level] = np.where(np.isnan(scales[level]), scales[level - 1], scales[level])
    filled: Floats = np.nan_to_num(scales, nan=1.0)
    return filled


def _fold(arrays: Arrays, nucleus: str, levels: list[LevelStatistics], scales: Floats) -> None:
    """Turn statistics to compact arrays: fixed-point means, half-precision scales, capped counts."""
    means, spreads, counts = [], [], []
    for radius, level in enumerate(levels):
        usual = scales[radius, np.digitize(level.count, COUNT_STEPS)]
        spreads.append((level.count * level.deviation + 3.0 * usual) / (level.count + 3.0))
        means.append(level.mean)
        counts.append(level.count)
    arrays[f"{nucleus}_unit"] = np.array(UNIT[nucleus])
    arrays[f"{nucleus}_mean"] = np.round(np.concatenate(means) / UNIT[nucleus]).astype(np.int16)
    arrays[f"{nucleus}_scale"] = np.maximum(np.concatenate(spreads), FLOOR[nucleus]).astype(np.float16)
    arrays[f"{nucleus}_count"] = np.minimum(np.ceil(np.concatenate(counts)), 255).astype(np.uint8)


def _pruned(arrays: Arrays, index: EnvironmentIndex) -> Arrays:
    """Drop environments that neither nucleus has seen, and add the keys."""
    seen = (arrays["carbon_count"] > 0) | (arrays["proton_count"] > 0)
    levels = np.repeat(np.arange(RADII), [len(keys) for keys in index.keys])
    result = {name: value[seen] if value.shape == seen.shape else value for name, value in arrays.items()}
    result["identifiers"] = np.concatenate(index.keys)[seen].astype(np.uint32)
    result["level_sizes"] = np.bincount(levels[seen], minlength=RADII)
    return result


def _unequal_pairs(atoms: Atoms, observed: Observed) -> Arrays:
    """Return the environments whose pairs of methyls steadily differ, with the median half difference."""
    rows = np.flatnonzero(np.isfinite(observed.halves) & (atoms.hydrogens == 3) & ~atoms.validation)
    numbers, halves = atoms.index.rows[PAIR_RADIUS][rows], observed.halves[rows]
    order = np.argsort(numbers, kind="stable")
    unique, first = np.unique(numbers[order], return_index=True)
    found = {
        int(atoms.index.keys[PAIR_RADIUS][number]): float(np.median(group))
        for number, group in zip(unique, np.split(halves[order], first[1:]), strict=True)
        if len(group) >= 2 * PAIR_MOLECULES and np.median(group) >= PAIR_LEAST and group.std() < 0.6 * group.mean()
    }
    keys = np.array(sorted(found), dtype=np.uint32)
    return {
        "pair_keys": keys,
        "pair_halves": np.array([found[key] for key in keys.tolist()], dtype=np.float32),
    }
