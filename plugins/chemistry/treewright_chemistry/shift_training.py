"""Training of the shift tables by expectation maximisation.

Most measured spectra come without assignment. Starting from assigned molecules, each round predicts every
training atom without its own molecule, assigns the observations at least cost, and recomputes the environment
statistics; assigned data enter every round. A share of the molecules chosen by hash is never used and
measures the error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.model_files import read_arrays, write_arrays
from treewright_chemistry.shift_assignment import assign
from treewright_chemistry.shift_atoms import (
    NUCLEI,
    Atoms,
    Observed,
    assigned_shifts,
    average,
    errors,
    expect,
    gather,
    prior,
    usable_weights,
)
from treewright_chemistry.shift_data import TrainingMolecule
from treewright_chemistry.shift_export import export_tables
from treewright_chemistry.shift_statistics import leave_one_out

ROUNDS: Final = 5

Floats = npt.NDArray[np.float64]
Log = Callable[[str], None]


def train_tables(
    molecules: list[TrainingMolecule],
    out_dir: Path,
    *,
    rounds: int = ROUNDS,
    resume: bool = False,
    log: Log = print,
) -> tuple[Atoms, Observed, dict[str, float]]:
    """Train the shift tables and write ``shifts.npz`` with its checksum to ``out_dir``.

    Nothing here is random: splits are made by hash, and assignments are exact.

    Args:
        molecules: as ``load_training_molecules`` returns them.
        out_dir: existing folder for the tables and the checkpoint.
        rounds: rounds of assignment and re-estimation.
        resume: go on from the checkpoint in ``out_dir``, if there is one.
        log: receives progress lines.

    Returns:
        The atoms, the shifts assigned to them, and the mean absolute errors in ppm on training and held-out
        molecules.
    """
    atoms = gather(molecules)
    observed, done = _restore(out_dir, resume) or (assigned_shifts(atoms), 0)
    for number in range(done, rounds):
        observed = _round(atoms, observed)
        _checkpoint(out_dir, observed, number + 1)
        log(f"round {number + 1}: {_summary(atoms, observed)}")
    return atoms, observed, export_tables(atoms, observed, out_dir, log)


def _round(atoms: Atoms, observed: Observed) -> Observed:
    """Assign all unassigned spectra with the present predictions, and fit the map of computed shifts."""
    expected_carbon = expect(atoms, observed, "carbon").mean
    expected_proton = expect(atoms, observed, "proton").mean
    fixed = assigned_shifts(atoms)
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


def _summary(atoms: Atoms, observed: Observed) -> str:
    parts = []
    for nucleus, name in NUCLEI.items():
        distance, _ = errors(atoms, observed, nucleus)
        train, held = average(distance[~atoms.validation]), average(distance[atoms.validation])
        parts.append(f"{name} mean absolute error: training {train:.3f}, held-out {held:.3f} ppm")
    return "; ".join(parts)


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
