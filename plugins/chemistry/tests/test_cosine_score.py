"""The encoder's cosine as a part of the score, ablations by name, K-MSE's own reward."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from treewright.testing import batch_checks, scorer_checks
from treewright.testing.subjects import scorer_subject
from treewright_chemistry.ablation import GROUPS, NAMES, checked_names, dropped_parts
from treewright_chemistry.assembly_policy import Assembly
from treewright_chemistry.cosine_cases import Scored
from treewright_chemistry.cosine_fit import firsts, fit_logit, fitted_weight, log_losses
from treewright_chemistry.cosine_part import CosinePart, cosine_part
from treewright_chemistry.cosine_weights import FILE, read_cosine_weights, write_cosine_weights
from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.encoder_file import CONFIG, SUMS, WEIGHTS, read_encoder, write_encoder
from treewright_chemistry.errors import SpectrumError, TableError
from treewright_chemistry.k_mse_scorer import KMseScorer, k_mse_reward
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.score_weights import MISMATCH_CAP, PARTS
from treewright_chemistry.shared_encoder import encoder_folder, shared_encoder
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.spectrum_fit_scorer import SpectrumFitScorer
from treewright_chemistry.structures import parse_structure
from treewright_chemistry.torch_threads import one_torch_thread
from treewright_registry import Problem, ProposeRequest, ScoreRequest, Step, Trajectory

ACETATE = {
    "formula": "C4H8O2",
    "c13": "14.2 (1C, s), 21.0 (1C, s), 60.4 (1C, s), 171.1 (1C, s)",
    "h1": "1.26 (3H, t, J = 7.0 Hz), 2.04 (3H, s), 4.12 (2H, q, J = 7.0 Hz)",
    "evidence": "exact",
    "provenance": "calculated",
}
ISOMERS = ["CCOC(C)=O", "CCC(=O)OC", "CCCC(=O)O", "C1COCCO1"]


@pytest.fixture(scope="module")
def tables() -> ShiftTables:
    return ShiftTables.load()


def molecules() -> list[object]:
    return [parse_structure(smiles) for smiles in ISOMERS]


def request(smiles: str | None, prompt: object = ACETATE) -> ScoreRequest:
    root = Trajectory(Problem("p", prompt, {}))
    return ScoreRequest(root if smiles is None else root.extend(Step(smiles, finish="stop")), seed=0)


def spectrum(**changes: str):
    return SpectrumCodec().decode({**ACETATE, **changes})


def values(fit: SpectrumFit) -> np.ndarray:
    return fit.parts(molecules())


def test_the_cosine_counts_by_its_weight_less_what_is_typical(tables: ShiftTables) -> None:
    encoder = shared_encoder()
    fit = SpectrumFit(spectrum(), tables, cosine=CosinePart(encoder, weight=8.0, typical=0.75))
    plain = SpectrumFit(spectrum(), tables)
    with one_torch_thread():
        cosines = encoder.cosines(spectrum(), molecules())
    assert values(fit)[:, PARTS.index("cosine")] == pytest.approx(cosines - 0.75, abs=1e-6)
    assert fit.totals(molecules()) - plain.totals(molecules()) == pytest.approx(8.0 * (cosines - 0.75), abs=1e-5)
    assert int(np.argmax(cosines)) == 0


@pytest.mark.parametrize("name", [*GROUPS, "carbon", "proton", "labile", "missing_classes", "cosine"])
def test_a_part_switched_off_takes_exactly_its_own_share_away(tables: ShiftTables, name: str) -> None:
    part = CosinePart(shared_encoder(), weight=8.0, typical=0.75)
    whole = SpectrumFit(spectrum(), tables, cosine=part)
    without = SpectrumFit(spectrum(), tables, cosine=part, without=frozenset({name}))
    kept = np.array([part not in dropped_parts(frozenset({name})) for part in PARTS])
    expected = values(whole) @ np.where(kept, whole.weights, 0.0)
    if name in ("13C", "1H"):  # the encoder does not see the nucleus either, so the cosine is another one
        one_nucleus = spectrum(**{"13C": {"c13": ""}, "1H": {"h1": ""}}[name])
        assert without.parts(molecules()) == pytest.approx(
            SpectrumFit(one_nucleus, tables, cosine=part).parts(molecules())
        )
        expected += (without.parts(molecules()) - values(whole))[:, -1] * 8.0
    assert without.totals(molecules()) == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(without.totals(molecules()), whole.totals(molecules()))


def test_unknown_parts_are_refused_with_the_known_ones() -> None:
    for build in (lambda: SpectrumFitScorer(without=("15N",)), lambda: Assembly(without=("15N",))):
        with pytest.raises(ValueError, match="without: '15N' is no part of the score; known are shifts, plausibility"):
            build()
    assert checked_names(NAMES) == set(NAMES)


def test_an_ablation_that_leaves_nothing_of_a_spectrum_is_refused(tables: ShiftTables) -> None:
    with pytest.raises(SpectrumError, match="without: without 13C and 1H nothing is left of the spectrum"):
        SpectrumFit(spectrum(), tables, without=frozenset({"13C", "1H"})).totals(molecules())
    with pytest.raises(SpectrumError, match="without: without 13C nothing is left"):
        SpectrumFit(spectrum(h1=""), tables, without=frozenset({"13C"})).totals(molecules())


def test_ablations_of_the_scorer_reach_the_reward(tables: ShiftTables) -> None:
    def reward(smiles: str, **options: object) -> float:
        [score] = SpectrumFitScorer(**options).score([request(smiles)])  # type: ignore[arg-type]
        return score.value

    plain = SpectrumFit(spectrum(), tables).score_many(molecules())
    assert reward(ISOMERS[0], without=("cosine",)) == pytest.approx(plain[0], abs=1e-9)
    assert reward(ISOMERS[0], cosine=False) == pytest.approx(plain[0], abs=1e-9)
    no_shifts = SpectrumFit(spectrum(), tables, without=frozenset({"shifts"})).score_many(molecules())
    assert reward(ISOMERS[1], cosine=False, without=("shifts",)) == pytest.approx(no_shifts[1], abs=1e-9)
    assert reward(ISOMERS[1], cosine=False, without=("shifts",)) != pytest.approx(plain[1], abs=1e-6)
    strong = cosine_part(20.0, "exact")
    expected = SpectrumFit(spectrum(), tables, cosine=strong).score_many(molecules()[:1])
    assert reward(ISOMERS[0], cosine=20.0) == pytest.approx(expected[0], abs=1e-6)


def test_another_formula_is_capped_with_the_cosine_too() -> None:
    scores = SpectrumFitScorer(cosine=True).score([request(s) for s in ("CCOC(C)=O", "CCOC(C)=N", "CCCCCC")])
    assert scores[0].value > MISMATCH_CAP > scores[1].value > scores[2].value >= 0.0
    assert scores[1].value == pytest.approx(0.2 * 13 / 16)  # C4 H8 O1 of C4 H9 N1 O2 in common


def test_no_structure_is_no_score() -> None:
    for scorer in (SpectrumFitScorer(cosine=True), KMseScorer()):
        for smiles in (None, "not a molecule", "C" * 10_000):
            [score] = scorer.score([request(smiles)])
            assert score.failed
            assert score.reason


@pytest.mark.parametrize("scorer", [SpectrumFitScorer(cosine=True), KMseScorer()])
def test_a_problem_that_is_no_spectrum_is_refused_and_the_others_are_scored(scorer: object) -> None:
    with pytest.raises(SpectrumError, match="13C"):
        scorer.score([request("CCO", {**ACETATE, "c13": "1910.0"})])  # type: ignore[attr-defined]
    [score] = scorer.score([request("CCOC(C)=O")])  # type: ignore[attr-defined]
    assert not score.failed


@pytest.mark.parametrize("scorer", [SpectrumFitScorer(cosine=True), KMseScorer()])
def test_scorers_with_an_encoder_keep_the_contract(scorer: object) -> None:
    trajectories = [request(smiles).trajectory for smiles in (None, *ISOMERS, "CCCCCC", "no molecule")]
    subject = scorer_subject("chemistry/toy", scorer, trajectories)
    for check in (*batch_checks.CHECKS, *scorer_checks.CHECKS):
        check(subject)


@pytest.mark.parametrize(
    ("cosine", "reward"), [(0.96, 91.0), (0.95, 95.0), (1.0, 95.0), (0.5, 50.0), (0.0, 0.0), (-1.0, -100.0)]
)
def test_the_reward_of_k_mse(cosine: float, reward: float) -> None:
    assert k_mse_reward(cosine) == reward


def test_k_mse_scores_the_cosine_without_a_gate_for_the_formula() -> None:
    given = molecules()[0], parse_structure("CCOC(C)=N")
    with one_torch_thread():
        cosines = [float(shared_encoder().cosines(spectrum(), [each])[0]) for each in given]
    found = KMseScorer().score([request("CCOC(C)=O"), request("CCOC(C)=N")])
    assert [score.value for score in found] == [pytest.approx(k_mse_reward(cosine), abs=1e-4) for cosine in cosines]
    assert found[1].value > 100.0 * MISMATCH_CAP
    unlimited = KMseScorer(limit=100.0).score([request("CCOC(C)=O")])[0].value
    assert unlimited == pytest.approx(100.0 * cosines[0], abs=1e-4)
    with pytest.raises(ValueError, match="limit and penalty"):
        KMseScorer(limit=120.0)


def test_the_number_of_threads_is_as_before() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    with one_torch_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def encoder_copy(folder: Path) -> Path:
    shipped = resources.files("treewright_chemistry").joinpath("data")
    for name in (WEIGHTS, CONFIG, SUMS, FILE, f"{FILE}.sha256"):
        shutil.copy(str(shipped.joinpath(name)), folder / name)
    return folder


def test_a_damaged_encoder_is_named(tmp_path: Path) -> None:
    path = encoder_copy(tmp_path) / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TableError, match=rf"{WEIGHTS}.*is damaged"):
        KMseScorer(encoder=str(tmp_path))
    write_cosine_weights(tmp_path, json.loads((tmp_path / FILE).read_text())["evidence"])
    with pytest.raises(TableError, match=rf"{WEIGHTS}.*is damaged"):
        SpectrumFitScorer(cosine=True, encoder=str(tmp_path)).score([request("CCOC(C)=O")])


def test_weights_of_the_cosine_belong_to_one_encoder(tmp_path: Path) -> None:
    folder = encoder_copy(tmp_path)
    assert read_cosine_weights(folder) == read_cosine_weights(encoder_folder())
    weights, config = read_encoder(folder)
    write_encoder(folder, weights | {"piece_scale": weights["piece_scale"] + 1.0}, config)
    with pytest.raises(TableError, match=rf"{FILE}: was fitted for another encoder"):
        read_cosine_weights(folder)
    (folder / FILE).write_text("{}")
    with pytest.raises(TableError, match=rf"{FILE}: is damaged"):
        read_cosine_weights(folder)


def test_auto_follows_the_fit() -> None:
    for evidence, fitted in read_cosine_weights(encoder_folder()).items():
        chosen = cosine_part("auto", evidence)  # type: ignore[arg-type]
        assert (chosen is not None) == fitted.helps
        given = cosine_part(True, evidence)  # type: ignore[arg-type]
        assert given is not None
        assert (given.weight, given.typical) == (fitted.weight, fitted.typical)
        assert cosine_part(False, evidence) is None  # type: ignore[arg-type]


def planted(number: int, *, weight: float, seed: int = 0) -> list[Scored]:
    """Cases whose truth is drawn by softmax of total + weight · cosine."""
    random = np.random.default_rng(seed)
    cases = []
    for _ in range(number):
        totals, cosines = random.normal(0.0, 2.0, 8), random.uniform(-1.0, 1.0, 8)
        logits = totals + weight * cosines
        shares = np.exp(logits - logits.max())
        truth = int(random.choice(8, p=shares / shares.sum()))
        order = [truth, *(k for k in range(8) if k != truth)]
        cases.append(Scored(totals[order], cosines[order]))
    return cases


def test_the_fit_finds_a_planted_weight_and_sees_that_it_helps() -> None:
    found = fitted_weight(planted(1_000, weight=3.0))
    assert found["weight"] == pytest.approx(3.0, abs=0.4)
    assert found["helps"]
    assert found["first_with"] > found["first_without"]


def test_a_cosine_that_says_nothing_does_not_help() -> None:
    found = fitted_weight(planted(1_000, weight=0.0))
    assert found["weight"] == pytest.approx(0.0, abs=0.3)
    assert not found["helps"]


def test_losses_and_first_places_of_the_logit() -> None:
    case = Scored(np.array([1.0, 1.0]), np.array([0.5, 0.5]))
    assert log_losses([case], np.array([1.0, 1.0])) == pytest.approx([np.log(2.0)])
    assert firsts([case], np.array([1.0, 1.0])).tolist() == [0.5]
    assert fit_logit(planted(50, weight=0.0), cosine=False)[1] == 0.0


def test_without_shifts_a_burst_is_not_aimed_by_them(tables: ShiftTables) -> None:
    fit = SpectrumFit(spectrum(), tables, without=frozenset({"shifts"}))
    assert fit.misfits(parse_structure("CCCC(=O)O")) == [1.0] * 6
    assert len(set(SpectrumFit(spectrum(), tables).misfits(parse_structure("CCCC(=O)O")))) > 1


def test_the_policy_takes_the_same_ablations_and_can_be_guided_by_the_cosine() -> None:
    root = Trajectory(Problem("p", ACETATE, {}))
    ask = [ProposeRequest(root, 8, 0)]

    def best(**options: object) -> list[object]:
        [proposals] = Assembly(evaluations=60, **options).propose(ask)  # type: ignore[arg-type]
        return [step.content for step in proposals.steps]

    assert best()[0] == "CCOC(C)=O"
    assert best(without=("shifts",)) != best()
    guided = best(without=tuple(set(PARTS) - {"cosine"}), cosine=True)
    cosines = DualEncoder.load().cosines(spectrum(), [parse_structure(str(smiles)) for smiles in guided])
    assert np.all(np.diff(cosines) < 1e-6)
