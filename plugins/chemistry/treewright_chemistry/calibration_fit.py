"""Fitting the scale of the score: ``python -m treewright_chemistry.calibration_fit DATA_DIR``.

To be run again whenever the weights of the score change (a minute); it prints ``CALIBRATION`` for
``score_weights``. Only right structures are needed:

    typical(heavy) = −(offset + slope · heavy)      what the right structure of so many heavy atoms totals
    ratio          = total / typical                1 for a typical right structure, larger is worse
    score          = 1 / (1 + exp(−((1 − ratio) / width + ln 4)))

Offset and slope are a least-squares line through the totals, scaled so that the median ratio is 1: the median
right structure scores 0.8. The width puts the lowest twentieth of the right structures below ``LOW_SCORE``.
Nothing of this depends on the number of lines, so lines that nothing explains cannot raise a score.

Exact evidence: MolPuzzle's development records. Soft evidence: measured spectra of the validation share, which
no table was trained on, and which holds none of the reserved molecules; half of them without their counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.encoder_sources import block_of, usable_molecule
from treewright_chemistry.errors import ChemistryError
from treewright_chemistry.formula import formula_of
from treewright_chemistry.held_out import assert_absent, hash_order, in_validation, reserved_blocks
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.measured import measured_spectrum
from treewright_chemistry.nmrshiftdb import read_records
from treewright_chemistry.ranking import Case, calculated_cases
from treewright_chemistry.score_weights import TYPICAL_SCORE, Calibration
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.structures import constitution, parse_structure

MOST_HEAVY: Final = 20
MOLECULES: Final = 600
LOW_SHARE: Final = 0.05
LOW_SCORE: Final = 0.4

Floats = npt.NDArray[np.float64]


def fit_calibration(totals: Floats, heavy: Floats) -> Calibration:
    """Return the calibration that right structures with these totals and numbers of heavy atoms ask for."""
    table = np.column_stack([np.ones(len(heavy)), heavy])
    line, *_ = np.linalg.lstsq(table, -totals, rcond=None)
    line *= float(np.median(totals / -(table @ line)))
    ratio = totals / -(table @ line)
    low = float(np.quantile(ratio, 1.0 - LOW_SHARE))
    width = (low - 1.0) / (_logit(TYPICAL_SCORE) - _logit(LOW_SCORE))
    return Calibration(*(round(float(value), 3) for value in (*line, width)))


def totals_of(cases: Sequence[Case], tables: ShiftTables) -> tuple[Floats, Floats]:
    """Return totals and numbers of heavy atoms of the right structures, shape (cases,) each."""
    molecules = [parse_structure(constitution(parse_structure(case.truth))) for case in cases]
    pairs = zip(cases, molecules, strict=True)
    totals = [float(SpectrumFit(case.spectrum, tables).totals([molecule])[0]) for case, molecule in pairs]
    return np.array(totals), np.array([float(molecule.GetNumAtoms()) for molecule in molecules])


def measured_validation(data_dir: Path, number: int = MOLECULES) -> list[Case]:
    """Return measured spectra of at most ``number`` molecules of the validation share, chosen by hash.

    Raises:
        LeakError: a reserved molecule slipped in.
    """
    by_block: dict[str, Case] = {}
    for block, case in _measured(data_dir):
        by_block.setdefault(block, case)
    chosen = sorted(by_block, key=hash_order)[:number]
    assert_absent(chosen, reserved_blocks(data_dir), field="spectra of the calibration")
    return [by_block[block] for block in chosen]


def _measured(data_dir: Path) -> Iterator[tuple[str, Case]]:
    reserved = reserved_blocks(data_dir)
    for record in read_records(data_dir):
        if record.block in reserved or not in_validation(record.block) or not record.carbon:
            continue
        molecule = usable_molecule(record.smiles, MOST_HEAVY)
        if molecule is None or block_of(molecule) != record.block:
            continue
        counts = hash_order(f"counts {record.block}") % 2 == 0
        try:
            yield record.block, Case(measured_spectrum(record, formula_of(molecule), counts=counts), record.smiles)
        except ChemistryError:
            continue


def _logit(share: float) -> float:
    return float(np.log(share / (1.0 - share)))


def main() -> None:
    """Fit from the command line."""
    parser = argparse.ArgumentParser(description="Fit the scale of the score")
    parser.add_argument("data", type=Path, help="the data folder")
    data = parser.parse_args().data
    tables = ShiftTables.load()
    for evidence, cases in (("exact", list(calculated_cases(data))), ("soft", measured_validation(data))):
        print(f'"{evidence}": {fit_calibration(*totals_of(cases, tables))}  # {len(cases)} right structures')


if __name__ == "__main__":
    main()
