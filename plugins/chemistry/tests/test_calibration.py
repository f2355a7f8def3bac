"""The scale of the score: what a number means, and what must not raise it."""

import os
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from treewright_chemistry.calibration_fit import fit_calibration, measured_validation, totals_of
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.measured_task import demo_cases
from treewright_chemistry.ranking import calculated_cases
from treewright_chemistry.score_weights import CALIBRATION, Calibration
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Group, Peak, Spectrum
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.spectrum_fit_scorer import SpectrumFitScorer
from treewright_chemistry.structures import constitution, parse_structure
from treewright_registry import Problem, ScoreRequest, Step, Trajectory

SMALL = {
    "CCO": ("C2H6O", "58.3, 18.4", ""),
    "CC(C)=O": ("C3H6O", "206.6 (1C), 30.8 (2C)", "2.17 (6H)"),
    "ClCCl": ("CH2Cl2", "53.5", "5.30 (2H)"),
}


def score(spectrum: Spectrum, smiles: str) -> float:
    return float(SpectrumFit(spectrum, ShiftTables.load()).score_many([parse_structure(smiles)])[0])


def with_lines(spectrum: Spectrum, carbon: tuple[float, ...] = (), proton: tuple[float, ...] = ()) -> Spectrum:
    more = [tuple(Group((Peak(shift),)) for shift in shifts) for shifts in (carbon, proton)]
    return replace(spectrum, carbon=spectrum.carbon + more[0], proton=spectrum.proton + more[1])


@pytest.mark.parametrize("evidence", ["exact", "soft"])
def test_a_typical_right_structure_scores_four_fifths(evidence: str) -> None:
    scale = CALIBRATION[evidence]
    typical = -(scale.offset + 10 * scale.slope)
    assert scale.rewards(np.array([typical]), 10).tolist() == pytest.approx([0.8])
    worse = typical * (1 + scale.width)
    assert scale.rewards(np.array([worse]), 10).tolist() == pytest.approx([1 / (1 + np.e / 4)])


def test_the_fit_finds_the_line_of_right_structures_and_their_spread() -> None:
    heavy = np.repeat(np.arange(4.0, 14.0), 21)
    spread = np.tile(np.linspace(-0.5, 0.5, 21), 10)  # of total / typical: its 95 % quantile is 1.45
    assert fit_calibration(-(2.0 + heavy) * (1.0 + spread), heavy) == Calibration(
        offset=2.0,
        slope=1.0,
        width=round(0.45 / (np.log(0.8 / 0.2) - np.log(0.4 / 0.6)), 3),
    )


@pytest.mark.parametrize(("smiles", "least"), [("CCO", 0.3), ("CC(C)=O", 0.5), ("ClCCl", 0.4)])
def test_small_right_structures_do_not_look_wrong(smiles: str, least: float) -> None:
    formula, carbon, proton = SMALL[smiles]
    spectrum = SpectrumCodec().decode({"formula": formula, "c13": carbon, "h1": proton, "evidence": "soft"})
    assert least < score(spectrum, smiles) < 1.0


def test_the_read_me_quotes_the_score_of_ethanol() -> None:
    """Repair after a change of weights, tables or encoder: write the new figure into the read-me, and here."""
    spectrum = {"formula": "C2H6O", "c13": "58.3, 18.4", "evidence": "soft"}
    ethanol = Trajectory(Problem("ethanol", spectrum)).extend(Step("CCO", finish="stop"))
    [found] = SpectrumFitScorer().score([ScoreRequest(ethanol, seed=1)])
    assert found.value == pytest.approx(0.23, abs=0.006)


@pytest.mark.parametrize("carbon", [(33.0,), (33.0, 44.0), (33.0, 44.0, 55.0), (1.0, 250.0)])
def test_lines_that_nothing_explains_do_not_raise_the_score_of_ethanol(carbon: tuple[float, ...]) -> None:
    formula, lines, _ = SMALL["CCO"]
    spectrum = SpectrumCodec().decode({"formula": formula, "c13": lines, "evidence": "soft"})
    assert score(with_lines(spectrum, carbon), "CCO") < score(spectrum, "CCO") / 4


@pytest.mark.parametrize("case", list(demo_cases()), ids=lambda case: case.name)
def test_lines_that_nothing_explains_do_not_raise_the_score_of_right_structures(case) -> None:  # type: ignore[no-untyped-def]
    truth, bare = constitution(parse_structure(case.smiles)), case.spectrum
    uncounted = replace(bare, carbon=tuple(replace(group, count=None) for group in bare.carbon))
    for spectrum in (bare, uncounted):
        clean = score(spectrum, truth)
        for number in range(1, 7):
            junk = tuple(33.3 + 11.1 * each for each in range(number))
            assert score(with_lines(spectrum, carbon=junk), truth) < clean
            assert score(with_lines(spectrum, proton=tuple(11.0 + each for each in range(number))), truth) < clean


def test_surplus_lines_change_no_ranking() -> None:
    spectrum = SpectrumCodec().decode(
        {"formula": "C4H10O", "c13": "14.0, 19.2, 34.9, 62.3, 80, 90", "evidence": "soft"}
    )
    molecules = [parse_structure(smiles) for smiles in ("CCCCO", "CCC(C)O", "CC(C)CO", "CC(C)(C)O", "CCOCC")]
    fit = SpectrumFit(spectrum, ShiftTables.load())
    assert np.argsort(fit.score_many(molecules)).tolist() == np.argsort(fit.totals(molecules)).tolist()


@pytest.mark.skipif("TREEWRIGHT_DATA" not in os.environ, reason="TREEWRIGHT_DATA does not name the development data")
@pytest.mark.parametrize("evidence", ["exact", "soft"])
def test_the_shipped_scale_is_that_of_the_shipped_weights(evidence: str) -> None:
    """Repair after a change of weights or tables: run ``calibration_fit`` and copy what it prints."""
    data = Path(os.environ["TREEWRIGHT_DATA"])
    cases = list(calculated_cases(data)) if evidence == "exact" else measured_validation(data)
    fitted = fit_calibration(*totals_of(cases, ShiftTables.load()))
    assert astuple(CALIBRATION[evidence]) == pytest.approx(astuple(fitted), rel=0.02)
