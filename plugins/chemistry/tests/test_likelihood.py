import numpy as np
import pytest

from treewright_chemistry.formula import parse_formula
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.peak_grammar import parse_groups
from treewright_chemistry.score_weights import MISMATCH_CAP
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import parse_structure

CARBON = "18.1 (1C, s), 57.3 (1C, s)"
PROTON = "1.18 (3H, t, J = 7.0 Hz), 3.60 (2H, q, J = 7.0 Hz)"
BUTANOLS = ["CCCCO", "CCC(C)O", "CC(C)CO", "CC(C)(C)O", "CCOCC", "COC(C)C", "COCCC"]
BUTANOL_SPECTRA = {
    "CCCCO": ("14.0 (1C, s), 19.2 (1C, s), 34.9 (1C, s), 62.3 (1C, s)",
              "0.92 (3H, t, J = 7.0 Hz), 1.38 (2H, tq, J = 7.3, 7.0 Hz), "
              "1.54 (2H, tt, J = 7.3, 6.6 Hz), 3.62 (2H, t, J = 6.6 Hz)"),
    "CCC(C)O": ("10.0 (1C, s), 22.8 (1C, s), 32.1 (1C, s), 69.2 (1C, s)",
                "0.92 (3H, t, J = 7.4 Hz), 1.17 (3H, d, J = 6.2 Hz), 1.46 (2H, dq, J = 7.4, 6.2 Hz), "
                "3.71 (1H, tq, J = 6.2, 6.2 Hz)"),
    "CC(C)(C)O": ("31.2 (3C, s), 69.1 (1C, s)", "1.26 (9H, s)"),
    "CCOCC": ("15.3 (2C, s), 65.9 (2C, s)", "1.20 (6H, t, J = 7.0 Hz), 3.48 (4H, q, J = 7.0 Hz)"),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return ShiftTables.load()


def fit(tables, formula, carbon, proton="", evidence="exact"):
    groups = parse_groups(carbon, "13C"), parse_groups(proton, "1H")
    return SpectrumFit(Spectrum(parse_formula(formula), *groups, evidence), tables)


@pytest.mark.parametrize("evidence", ["exact", "soft"])
@pytest.mark.parametrize("truth", BUTANOL_SPECTRA)
def test_truth_ranks_first_among_isomers(tables, truth, evidence):
    case = fit(tables, "C4H10O", *BUTANOL_SPECTRA[truth], evidence=evidence)
    totals = case.totals([parse_structure(smiles) for smiles in BUTANOLS])
    assert BUTANOLS[int(np.argmax(totals))] == truth


@pytest.mark.parametrize("evidence", ["exact", "soft"])
def test_carbon_alone_and_proton_alone_score(tables, evidence):
    molecules = [parse_structure(smiles) for smiles in ("CCO", "COC")]
    for carbon, proton in ((CARBON, ""), ("", PROTON)):
        totals = fit(tables, "C2H6O", carbon, proton, evidence).totals(molecules)
        assert totals[0] > totals[1]


def test_lines_without_counts_score_in_soft_mode(tables):
    case = fit(tables, "C4H10O", "15.3, 65.9", evidence="soft")
    totals = case.totals([parse_structure(smiles) for smiles in BUTANOLS])
    assert BUTANOLS[int(np.argmax(totals))] == "CCOCC"


def test_more_lines_than_carbons_do_not_break_soft_mode(tables):
    case = fit(tables, "C2H6O", "18.1, 57.3, 77.0, 128.0", evidence="soft")
    assert np.isfinite(case.totals([parse_structure("CCO")])).all()


def test_dept_letters_count(tables):
    case = fit(tables, "C4H10O", "15.3 (Q), 15.4 (Q), 65.9 (T), 66.0 (T)", evidence="soft")
    found = case.score(parse_structure("CCOCC")), case.score(parse_structure("CC(C)CO"))
    assert (found[0].attached, found[1].attached) == (0.0, 0.25)


def test_another_formula_is_capped_and_never_the_best(tables):
    case = fit(tables, "C2H6O", CARBON, PROTON)
    rewards = case.score_many([parse_structure(smiles) for smiles in ("CCO", "CCN", "C" * 100)])
    assert rewards[0] > MISMATCH_CAP > rewards[1] > rewards[2] >= 0.0


def test_single_score_equals_batch(tables):
    case = fit(tables, "C4H10O", *BUTANOL_SPECTRA["CCCCO"])
    molecules = [parse_structure(smiles) for smiles in [*BUTANOLS, "CCN"]]
    rewards, totals = case.score_many(molecules), case.totals(molecules)
    for molecule, reward, total in zip(molecules, rewards, totals, strict=True):
        score = case.score(molecule)
        assert score.reward == pytest.approx(reward, abs=1e-6)
        assert score.total == pytest.approx(total, abs=1e-4)


def test_rewards_lie_between_0_and_1_and_order_like_totals(tables):
    case = fit(tables, "C4H10O", *BUTANOL_SPECTRA["CCCCO"])
    molecules = [parse_structure(smiles) for smiles in BUTANOLS]
    rewards, totals = case.score_many(molecules), case.totals(molecules)
    assert ((rewards >= 0) & (rewards <= 1)).all()
    assert np.argsort(rewards).tolist() == np.argsort(totals).tolist()


def test_exact_mode_charges_labile_hydrogens(tables):
    case = fit(tables, "C2H6O", CARBON, PROTON)
    assert case.score(parse_structure("CCO")).labile == 0.0
    assert case.score(parse_structure("COC")).labile == 1.0


def test_open_counts_of_a_range_are_read_in_the_best_way(tables):
    carbon = "13.8-14.3 (3C, 14.0 (s), 14.1 (s)), 22.7 (1C, s)"
    case = fit(tables, "C4H10", carbon)
    assert case.observations.carbon.tolist() == [[14.0, 14.1, 14.1, 22.7], [14.0, 14.0, 14.1, 22.7]]
    assert case.observations.sizes == ()


def test_parts_can_be_left_out(tables):
    whole = fit(tables, "C2H6O", CARBON, PROTON)
    without = SpectrumFit(whole.spectrum, tables, without=frozenset({"carbon", "proton"}))
    molecules = [parse_structure(smiles) for smiles in ("CCO", "COC")]
    shifts = whole.parts(molecules)[:, :2] @ whole.weights[:2]
    assert whole.totals(molecules) - without.totals(molecules) == pytest.approx(shifts)
    with pytest.raises(ValueError, match="no part of the score"):
        SpectrumFit(whole.spectrum, tables, without=frozenset({"15N"}))


def test_nothing_to_score_gives_no_scores(tables):
    assert fit(tables, "C2H6O", CARBON).totals([]).shape == (0,)


def test_comparison_gives_every_line_once_and_misfits_point_at_the_wrong_atoms(tables):
    case = fit(tables, "C4H10O", *BUTANOL_SPECTRA["CCCCO"])
    rows = case.compare(parse_structure("CCCCO"))
    carbons = [row for row in rows if row.nucleus == "13C"]
    assert [row.observed for row in carbons] == [14.0, 19.2, 34.9, 62.3]
    assert all(row.difference == pytest.approx(row.observed - row.predicted) for row in rows)
    right, wrong = case.misfits(parse_structure("CCCCO")), case.misfits(parse_structure("CC(C)(C)O"))
    assert len(right) == 5
    assert max(right) < max(wrong)


def test_comparison_leaves_atoms_without_a_line_open(tables):
    rows = fit(tables, "C4H10O", "", "1.2 (9H, s)", evidence="soft").compare(parse_structure("CC(C)(C)O"))
    assert [row.observed for row in rows if row.nucleus == "13C"] == [None] * 4
    assert [row.observed for row in rows if row.nucleus == "1H"] == [1.2] * 3


def test_deuterium_as_an_atom_scores_like_hydrogen(tables):
    case = fit(tables, "C2H6O", CARBON, PROTON)
    plain, marked = case.totals([parse_structure(smiles) for smiles in ("CCO", "CC([2H])([2H])O")])
    assert marked == plain


def test_a_nucleus_without_lines_is_no_misfit(tables):
    molecule = parse_structure("CCO")
    both = fit(tables, "C2H6O", CARBON, PROTON).misfits(molecule)
    carbon = fit(tables, "C2H6O", CARBON).misfits(molecule)
    assert max(carbon) < 2.5  # five expected errors would be added to each carbon that bears hydrogen
    assert carbon != both
