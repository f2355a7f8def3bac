"""Training of the shift tables by expectation maximisation.

Most measured spectra come without assignment. Starting from assigned molecules, each round predicts every training atom
without its own molecule, assigns the observations at least cost, and recomputes the environment statistics; assigned
data enter every round. A share of the molecules chosen by hash is never used and measures the error.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.environments import RADII, scheme_fingerprint
from treewright_chemistry.held_out import in_validation
from treewright_chemistry.model_files import Arrays, read_arrays, write_arrays
from treewright_chemistry.shift_assignment import assign
from treewright_chemistry.shift_data import TrainingMolecule, load_training_molecules
from treewright_chemistry.shift_statistics import (
    EnvironmentIndex,
    Estimate,
    LevelStatistics,
    index_environments,
    leave_one_out,
    summarise,
)
from treewright_chemistry.shifts import FILE, PAIR_RADIUS

ROUNDS: Final = 5
COMPUTED_WEIGHT: Final = 0.5
"""Weight of a computed shift against a measured one."""
TRIM: Final = {"carbon": 10.0, "proton": 1.2}
"""ppm: an observation further from a prediction at radius 3 or more is an error of the source or the assignment."""
PRIOR: Final = {"carbon": (130.0, 90.0, 40.0, 20.0, 0.0), "proton": (0.0, 6.0, 2.5, 1.8, 0.0)}
"""ppm by number of hydrogens on the carbon, where nothing else is known."""
FLOOR: Final = {"carbon": 0.5, "proton": 0.03}
UNIT: Final = {"carbon": 0.01, "proton": 0.001}
PAIR_MOLECULES: Final = 3
PAIR_LEAST: Final = 0.8
"""Molecules needed, and least half difference in ppm, for a pair of methyls to count as unequal."""
COUNT_STEPS: Final = (2, 3, 6, 16)
"""Bounds of the classes of counts that the error is measured in."""

Floats = npt.NDArray[np.float64]
Log = Callable[[str], None]


@dataclass(frozen=True)
class Atoms:
    """All training carbons in one row each."""

    molecules: list[TrainingMolecule]
    starts: npt.NDArray[np.int64]
    index: EnvironmentIndex
    hydrogens: npt.NDArray[np.int64]
    computed: npt.NDArray[np.bool_]
    validation: npt.NDArray[np.bool_]
    classes: npt.NDArray[np.int64]

    def class_means(self, values: Floats) -> Floats:
        """Replace known values by the mean of their topological class: the tables cannot tell such atoms apart."""
        known = np.isfinite(values)
        number = np.bincount(self.classes, known)
        total = np.bincount(self.classes, np.where(known, values, 0.0))
        return np.where(known, (total / np.maximum(number, 1))[self.classes], np.nan)

    def in_pairs(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Tell which carbons are one of exactly two of their class, both with a value."""
        pair = np.bincount(self.classes) == 2
        known = np.bincount(self.classes, np.isfinite(values)) == 2
        member: npt.NDArray[np.bool_] = (pair & known)[self.classes]
        return member


@dataclass(frozen=True)
class Observed:
    """Shifts assigned to the carbons at present, NaN where none; and the map of computed 1H shifts.

    Carbons of one topological class share their mean; ``halves`` holds how far the two of a pair lie from it.
    """

    carbon: Floats
    proton: Floats
    halves: Floats
    slope: float = 1.0
    intercept: float = 0.0


def train(
    data_dir: Path, out_dir: Path, *, rounds: int = ROUNDS, resume: bool = False, log: Log = print
) -> dict[str, float]:
    """Train the shift tables and write ``shifts.npz`` with its checksum to ``out_dir``.

    The recipe has no random part: splits are made by hash, and assignments are exact.

    Args:
        data_dir: the data folder, with ``chemistry/nmrshiftdb2.jsonl.gz`` and the CASCADE files.
        out_dir: existing folder for the tables and the checkpoint.
        rounds: rounds of assignment and re-estimation.
        resume: go on from the checkpoint in ``out_dir``, if there is one.
        log: receives progress lines.

    Returns:
        Figures: mean absolute errors in ppm on training and held-out molecules, counts, seconds.

    Raises:
        LeakError: the training data contain a reserved molecule.
    """
    began = time.perf_counter()
    atoms = gather(load_training_molecules(data_dir))
    log(
        f"{len(atoms.molecules)} molecules, {len(atoms.hydrogens)} carbons, {time.perf_counter() - began:.0f} s"
    )
    observed, done = _restore(out_dir, resume) or (_assigned(atoms), 0)
    for number in range(done, rounds):
        observed = _round(atoms, observed)
        _checkpoint(out_dir, observed, number + 1)
        log(f"round {number + 1}: {_summary(atoms, observed)}")
    figures = _finish(atoms, observed, out_dir, log)
    return figures | {"seconds": time.perf_counter() - began}


def gather(molecules: list[TrainingMolecule]) -> Atoms:
    """Lay the carbons of all molecules out in rows."""
    sizes = np.array([len(molecule.hydrogens) for molecule in molecules])
    owner = np.repeat(np.arange(len(molecules)), sizes)
    # Stereoisomers and repeated records share a constitution; leaving one out must leave all of them out.
    constitutions = np.unique([m.block for m in molecules], return_inverse=True)[1].astype(np.int64)
    return Atoms(
        molecules=molecules,
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        index=index_environments(np.concatenate([m.environments for m in molecules]), constitutions[owner]),
        hydrogens=np.concatenate([m.hydrogens for m in molecules]),
        computed=np.array([m.computed for m in molecules])[owner],
        validation=np.array([in_validation(m.block) for m in molecules])[owner],
        classes=np.unique(owner * 1000 + np.concatenate([m.classes for m in molecules]), return_inverse=True)[
            1
        ],
    )


def _assigned(atoms: Atoms) -> Observed:
    carbon = np.concatenate([m.carbon for m in atoms.molecules])
    proton = np.concatenate([m.proton for m in atoms.molecules])
    return Observed(carbon, proton, np.full(len(carbon), np.nan))


def _round(atoms: Atoms, observed: Observed) -> Observed:
    """Assign all unassigned spectra with the present predictions, and fit the map of computed shifts."""
    expected_carbon = expect(atoms, observed, "carbon").mean
    expected_proton = expect(atoms, observed, "proton").mean
    fixed = _assigned(atoms)
    carbon, proton = fixed.carbon, fixed.proton * observed.slope + observed.intercept
    for molecule, start, end in zip(atoms.molecules, atoms.starts, atoms.starts[1:], strict=False):
        if len(molecule.slots):
            slots, carbons = assign(molecule, expected_carbon[start:end], expected_proton[start:end])
            for target, column in ((carbon, 0), (proton, 2)):
                values = molecule.slots[slots, column]
                target[start + carbons[np.isfinite(values)]] = values[np.isfinite(values)]
    means = atoms.class_means(carbon)
    halves = np.where(atoms.in_pairs(carbon), np.abs(carbon - means), np.nan)
    assigned = replace(observed, carbon=means, proton=atoms.class_means(proton), halves=halves)
    return _fit_map(atoms, assigned, fixed.proton)


def _fit_map(atoms: Atoms, observed: Observed, computed: Floats) -> Observed:
    """Fit measured = slope * computed + intercept on environments that both kinds share."""
    usable = usable_weights(atoms, observed, "proton")
    measured = np.where(atoms.computed, 0.0, usable)
    reference = leave_one_out(atoms.index, np.nan_to_num(observed.proton), measured, prior(atoms, "proton"))
    shared = atoms.computed & np.isfinite(computed) & (reference.radius >= 3) & (reference.count >= 3)
    if shared.sum() < 100:
        return observed
    slope, intercept = np.polyfit(computed[shared], reference.mean[shared], 1)
    return replace(observed, slope=float(slope), intercept=float(intercept))


def expect(atoms: Atoms, observed: Observed, nucleus: str, radii: int = RADII) -> Estimate:
    """Predict every atom from the other molecules outside the validation share, with so many radii."""
    values = np.nan_to_num(getattr(observed, nucleus))
    weights = usable_weights(atoms, observed, nucleus)
    return leave_one_out(atoms.index, values, weights, prior(atoms, nucleus), radii)


def prior(atoms: Atoms, nucleus: str) -> Floats:
    """Return the expectation of each atom from its number of hydrogens alone."""
    return np.array(PRIOR[nucleus])[np.minimum(atoms.hydrogens, 4)]


def usable_weights(atoms: Atoms, observed: Observed, nucleus: str) -> Floats:
    """Return the weight of each observation: 0 for validation, missing and far-off ones."""
    values = getattr(observed, nucleus)
    weights = np.where(np.isfinite(values) & ~atoms.validation, 1.0, 0.0)
    if nucleus == "proton":
        weights = np.where(atoms.hydrogens > 0, weights, 0.0) * np.where(atoms.computed, COMPUTED_WEIGHT, 1.0)
    estimate = leave_one_out(atoms.index, np.nan_to_num(values), weights, prior(atoms, nucleus))
    far = (np.abs(values - estimate.mean) > TRIM[nucleus]) & (estimate.radius >= 3)
    return np.where(far, 0.0, weights)


def errors(atoms: Atoms, observed: Observed, nucleus: str) -> tuple[Floats, Estimate]:
    """Return absolute errors of the leave-one-out predictions, NaN where nothing was measured."""
    estimate = expect(atoms, observed, nucleus)
    distance = np.abs(getattr(observed, nucleus) - estimate.mean)
    return np.where(
        atoms.computed | (atoms.hydrogens == 0) if nucleus == "proton" else False, np.nan, distance
    ), estimate


def _summary(atoms: Atoms, observed: Observed) -> str:
    parts = []
    for nucleus, name in (("carbon", "13C"), ("proton", "1H")):
        distance, _ = errors(atoms, observed, nucleus)
        train, held = np.nanmean(distance[~atoms.validation]), np.nanmean(distance[atoms.validation])
        parts.append(f"{name} mean absolute error: training {train:.3f}, held-out {held:.3f} ppm")
    return "; ".join(parts)


def _finish(atoms: Atoms, observed: Observed, out_dir: Path, log: Log) -> dict[str, float]:
    """Write the tables and report errors per radius."""
    arrays: Arrays = {"scheme": np.array(scheme_fingerprint())}
    figures: dict[str, float] = {}
    for nucleus in ("carbon", "proton"):
        distance, estimate = errors(atoms, observed, nucleus)
        figures |= _report(atoms, distance, estimate, nucleus, log)
        levels = summarise(
            atoms.index,
            np.nan_to_num(getattr(observed, nucleus)),
            usable_weights(atoms, observed, nucleus),
            prior(atoms, nucleus),
        )
        _fold(
            arrays, nucleus, levels, _bucket_scales(distance[~atoms.validation], estimate, ~atoms.validation)
        )
    arrays = _pruned(arrays, atoms.index) | _unequal_pairs(atoms, observed)
    write_arrays(out_dir / FILE, arrays)
    return figures


def _report(atoms: Atoms, distance: Floats, estimate: Estimate, nucleus: str, log: Log) -> dict[str, float]:
    figures = {}
    assigned = np.isfinite(np.concatenate([getattr(m, nucleus) for m in atoms.molecules]))
    held = atoms.validation & np.isfinite(distance)
    log(f"{nucleus}: radius, held-out atoms, mean (median) absolute error held-out, training (leave-one-out)")
    for radius in range(-1, RADII):
        here = estimate.radius == radius
        if (here & held).any():
            train = distance[here & ~atoms.validation]
            log(
                f"  {radius:2d} {int((here & held).sum()):6d}  {distance[here & held].mean():7.3f} "
                f"({np.median(distance[here & held]):.3f})  {np.nanmean(train) if len(train) else np.nan:7.3f}"
            )
    figures[f"{nucleus}_train_mae"] = float(np.nanmean(distance[~atoms.validation]))
    figures[f"{nucleus}_held_out_mae"] = float(distance[held].mean())
    figures[f"{nucleus}_held_out_median"] = float(np.median(distance[held]))
    if nucleus == "carbon":
        figures["carbon_held_out_assigned_mae"] = float(distance[held & assigned].mean())
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
        scales[level] = np.where(
            np.isnan(scales[level]), np.nanmean(distance[radius == level]), scales[level]
        )
    return scales


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
        if len(group) >= 2 * PAIR_MOLECULES
        and np.median(group) >= PAIR_LEAST
        and group.std() < 0.6 * group.mean()
    }
    keys = np.array(sorted(found), dtype=np.uint32)
    return {
        "pair_keys": keys,
        "pair_halves": np.array([found[key] for key in keys.tolist()], dtype=np.float32),
    }


def _checkpoint(out_dir: Path, observed: Observed, done: int) -> None:
    state = np.array([done, observed.slope, observed.intercept])
    write_arrays(
        out_dir / "shifts_checkpoint.npz",
        {"c": observed.carbon, "h": observed.proton, "halves": observed.halves, "state": state},
    )


def _restore(out_dir: Path, resume: bool) -> tuple[Observed, int] | None:
    path = out_dir / "shifts_checkpoint.npz"
    if not resume or not path.exists():
        return None
    arrays = read_arrays(path)
    done, slope, intercept = arrays["state"]
    return Observed(arrays["c"], arrays["h"], arrays["halves"], float(slope), float(intercept)), int(done)
