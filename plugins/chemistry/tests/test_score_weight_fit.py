"""Fitting the weights of the score: the conditional logit, the decoys, and a truth that was counted itself."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from treewright_chemistry.commonness import POOL, Commonness
from treewright_chemistry.conditional_logit import choices_of, firsts, fit_weights, left_out_losses, log_losses
from treewright_chemistry.cosine_cases import Held
from treewright_chemistry.score_weight_cases import PartCase, PartScoring, commonness_without
from treewright_chemistry.score_weight_fit import SIGNS, fit_cases
from treewright_chemistry.score_weights import PARTS, WEIGHTS
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import inchikey14, parse_structure

SEED = 7
TWO_SIGNS = np.array([1.0, -1.0])


def drawn_tables(weights: np.ndarray, number: int) -> list[np.ndarray]:
    """Cases of 3 to 8 candidates whose truth is drawn by softmax of the parts times the weights."""
    random = np.random.default_rng(SEED)
    tables = []
    for _ in range(number):
        parts = random.normal(0.0, 1.0, (int(random.integers(3, 9)), len(weights)))
        chances = np.exp(parts @ weights)
        truth = int(random.choice(len(parts), p=chances / chances.sum()))
        tables.append(np.concatenate([parts[truth : truth + 1], np.delete(parts, truth, axis=0)]))
    return tables


def test_the_log_loss_is_that_of_the_softmax_and_ties_share_the_first_place() -> None:
    choices = choices_of([np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0], [-1.0, 0.0]])])
    weights = np.array([2.0, -3.0])
    assert log_losses(choices, weights) == pytest.approx(
        [np.log(1.0 + np.exp(-2.0)), np.log(2.0 + np.exp(1.0))], abs=1e-12
    )
    assert firsts(choices, weights).tolist() == [1.0, 0.0]
    assert firsts(choices, np.array([1.0, 0.0])).tolist() == [1.0, 0.5]


def test_the_logit_finds_the_weights_that_drew_the_truths() -> None:
    true = np.array([1.5, -0.8])
    choices = choices_of(drawn_tables(true, 3000))
    found = fit_weights(choices, {}, TWO_SIGNS, ridge=0.0)
    assert found == pytest.approx(true, abs=0.1)
    # nothing near it is better: this is the minimum, not just a point close to the truth
    for step in ([0.05, 0.0], [-0.05, 0.0], [0.0, 0.05], [0.0, -0.05]):
        assert log_losses(choices, found).mean() < log_losses(choices, found + step).mean()


def test_a_fixed_weight_stays_and_a_sign_is_kept() -> None:
    choices = choices_of(drawn_tables(np.array([1.5, 0.8]), 500))
    assert fit_weights(choices, {0: 0.25}, TWO_SIGNS, ridge=0.0).tolist() == [0.25, 0.0]


def test_a_ridge_asks_the_same_of_parts_of_any_unit() -> None:
    tables = drawn_tables(np.array([1.5, -0.8]), 500)
    plain = fit_weights(choices_of(tables), {}, TWO_SIGNS, ridge=0.05)
    scaled = fit_weights(choices_of([table * [1.0, 100.0] for table in tables]), {}, TWO_SIGNS, ridge=0.05)
    assert scaled * [1.0, 100.0] == pytest.approx(plain, rel=1e-3)
    assert np.abs(plain).sum() < np.abs(fit_weights(choices_of(tables), {}, TWO_SIGNS, ridge=0.0)).sum()


def test_a_case_left_out_has_no_say_in_its_own_loss() -> None:
    tables = drawn_tables(np.array([1.5, -0.8]), 50)
    before = left_out_losses(choices_of(tables), {}, TWO_SIGNS, ridge=1e-3)
    strange = [*tables]
    strange[5] = strange[5][::-1]
    after = left_out_losses(choices_of(strange), {}, TWO_SIGNS, ridge=1e-3)
    same_fold = np.arange(50) % 5 == 0
    same_fold[5] = False
    assert after[same_fold] == pytest.approx(before[same_fold], abs=1e-12)
    assert not np.allclose(after[~same_fold], before[~same_fold], atol=1e-6)


def test_parts_without_evidence_keep_their_weights() -> None:
    parts = np.random.default_rng(SEED).normal(0.0, 1.0, (40, 6, len(PARTS)))
    cases = [PartCase("A" * 14, table, listed=5, lines=10) for table in parts]
    fitted = fit_cases(cases, {"neighbours": -3.0})
    assert fitted.weights[PARTS.index("neighbours")] == -3.0
    assert fitted.weights[PARTS.index("cosine")] == 0.0
    assert (np.array(fitted.weights) * SIGNS >= 0.0).all()
    assert (fitted.cases, fitted.decoys) == (40, 5.0)


def test_the_shipped_weights_have_the_signs_of_the_fit() -> None:
    for weights in WEIGHTS.values():
        assert (weights * SIGNS >= 0.0).all()


def test_a_molecule_that_was_counted_is_taken_out_of_the_commonness() -> None:
    keys = np.array([10, 20, 30], dtype=np.uint64)
    logs = np.log([8.0, 2.0, 5.0, 0.2])
    table = Commonness((keys,) * 3, (logs,) * 3)
    fewer = commonness_without(table, np.array([[10, 20, 99], [10, 99, 99]], dtype=np.uint64))
    counts = [np.exp(log_counts).tolist() for log_counts in fewer.log_counts]
    assert counts[0] == pytest.approx([7.0, 2.0, 5.0, 0.2])  # once, however many of its atoms have it
    assert counts[1] == pytest.approx([8.0, 0.2, 5.0, 0.2])  # in one molecule only: no longer known
    assert counts[2] == pytest.approx([8.0, 2.0, 5.0, 0.2])
    assert np.exp(table.log_counts[0]).tolist() == pytest.approx([8.0, 2.0, 5.0, 0.2])


def held_ester() -> Held:
    """Ethyl acetate with its measured 13C lines."""
    truth = parse_structure("CCOC(C)=O")
    spectrum = SpectrumCodec().decode(
        {"formula": "C4H8O2", "c13": "14.2, 21.0, 60.4, 171.1", "evidence": "soft", "provenance": "measured"}
    )
    return Held(inchikey14(truth), truth, spectrum)


def pool_of(folder: Path, source: str) -> Path:
    """A data folder whose pool holds the ester, from a source, an isomer and another molecule."""
    (folder / "chemistry").mkdir(parents=True)
    rows = [f"CCOC(C)=O\tC4H8O2\t6\t{source}", "CCCC(=O)O\tC4H8O2\t6\ttoy", "CCCCO\tC4H10O\t5\ttoy"]
    with gzip.open(folder / POOL, "wt") as stream:
        stream.writelines(f"{row}\n" for row in rows)
    return folder


def case_of(folder: Path) -> PartCase:
    case = PartScoring(folder, [held_ester()], pool_decoys=10).of(held_ester())
    assert case is not None
    return case


def test_decoys_are_pool_molecules_edits_and_what_a_search_finds(tmp_path: Path) -> None:
    folder = pool_of(tmp_path / "counted", "nmrshiftdb2")
    case = case_of(folder)
    assert (case.listed, case.lines, len(case.pool_only().parts)) == (1, 4, 2)
    assert len(case.parts) > 10
    more = PartScoring(folder, [held_ester()], pool_decoys=10).with_found(held_ester(), case, WEIGHTS["soft"])
    assert len(more.parts) > len(case.parts)
    assert np.array_equal(more.parts[: len(case.parts)], case.parts)
    assert len(np.unique(more.parts.round(9), axis=0)) == len(more.parts)


def test_a_truth_is_judged_as_if_nobody_had_counted_it(tmp_path: Path) -> None:
    counted, other = (case_of(pool_of(tmp_path / source, source)) for source in ("nmrshiftdb2", "toy"))
    columns = [PARTS.index("surprise_1"), PARTS.index("surprise_2")]
    assert counted.parts[0, columns].sum() > other.parts[0, columns].sum()
    assert np.array_equal(np.delete(counted.parts, columns, axis=1), np.delete(other.parts, columns, axis=1))
