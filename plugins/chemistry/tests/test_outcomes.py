"""Found, outranked or solved: decided from what the search offered, whatever scored it."""

from pathlib import Path

import pytest

from treewright.configuration import load_pipeline
from treewright.run.records import Record
from treewright.run.runner import run
from treewright_chemistry.measured_task import Measured
from treewright_chemistry.outcomes import median_interval, outcomes, placed
from treewright_chemistry.structures import constitution, parse_structure
from treewright_registry import Registry


def record(rank: int | None, error: str | None = None) -> Record:
    metrics = {} if error else {"found": False} if rank is None else {"found": True, "rank_given_found": rank}
    return Record(str(rank), metrics=metrics, error=error)


def values(records: list[Record]) -> dict[str, float]:
    return {name: metric["value"] for name, metric in outcomes(records).items()}


def test_the_rank_is_the_truths_place_among_all_answers() -> None:
    answers = ["COC", "CC=O", "CCO"]
    assert placed(answers, "OCC") == {"found": True, "rank_given_found": 3}
    assert placed(answers, "C[C@H](N)O") == {"found": False}
    assert placed([], "CCO") == {"found": False}


def test_the_truths_stereo_does_not_hide_it() -> None:
    assert placed(["CC(N)C(=O)O"], "C[C@H](N)C(=O)O") == {"found": True, "rank_given_found": 1}


def test_outcomes_of_a_set_count_every_record_and_add_up() -> None:
    ranks = [1, 1, 1, 2, 4, 30, None, None]
    found = values([*(record(rank) for rank in ranks), record(None, "the search failed"), record(None, "unread")])
    assert found == {
        "top_1": 0.3,
        "top_3": 0.4,
        "top_5": 0.5,
        "top_10": 0.5,
        "found": 0.6,
        "outranked": 0.3,
        "not_found": 0.4,
        "first_given_found": 0.5,
        "rank_given_found": 1.5,
    }
    assert found["top_1"] + found["outranked"] + found["not_found"] == pytest.approx(1.0)


def test_metrics_given_found_are_left_out_where_nothing_was_found() -> None:
    assert set(outcomes([record(None)])) == {"top_1", "top_3", "top_5", "top_10", "found", "outranked", "not_found"}


def test_every_share_has_its_interval_and_number() -> None:
    metrics = outcomes([record(1), record(1), record(None), record(2)])
    assert metrics["found"] == pytest.approx({"value": 0.75, "low": 0.3006, "high": 0.9544, "n": 4}, abs=1e-4)
    assert metrics["first_given_found"]["n"] == 3
    assert metrics["rank_given_found"] == {"value": 1.0, "low": 1, "high": 2, "n": 3}


def test_the_interval_of_the_median_comes_from_order_statistics() -> None:
    assert median_interval(range(1, 101)) == (41, 61)  # 100/2 ± 9.8
    assert median_interval([7]) == (7, 7)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["scorer.without=[shifts]"],
        ["scorer.use=chemistry/k-mse-scorer"],
        ["search={use: core/self-refine-mcts}"],
        ["aggregator.use=core/majority"],
    ],
    ids=["default", "ablation", "k-mse-scorer", "tree", "vote"],
)
def test_outcomes_agree_with_the_grades_for_every_scorer_search_and_aggregator(
    options: list[str], tmp_path: Path
) -> None:
    small = ["policy.evaluations=60", "budget.inner_evaluations=240"]
    loaded = load_pipeline("chemistry/demo", Registry.load(), overrides=[*small, *options])
    summary = run(loaded.spec, loaded.filled, tmp_path / "run", limit=3)
    metrics = {name: each["value"] for name, each in summary["metrics"].items()}
    assert metrics["top_1"] == metrics["accuracy"]
    assert metrics["top_1"] + metrics["outranked"] == pytest.approx(metrics["found"])
    assert metrics["found"] + metrics["not_found"] == pytest.approx(1.0)


def test_the_task_places_only_what_it_knows() -> None:
    task = Measured()
    [first, *_] = task.problems()
    case = next(iter(task.cases()))
    assert task.place(first.id, ["CCO", constitution(parse_structure(case.smiles))]) == {
        "found": True,
        "rank_given_found": 2,
    }
