"""The shipped process reward model, read like any checkpoint of its form."""

import json
from importlib.resources import files

import pytest

from treewright import load_pipeline, run_pipeline
from treewright_math.embedded_world.prm_samples import made_up
from treewright_math.reward_readers.reader import Reader
from treewright_registry import Key

SHIPPED = files("treewright_math").joinpath("data", "prm")
NAME = "treewright_math:data/prm"
pytestmark = pytest.mark.skipif(
    not SHIPPED.joinpath("model.safetensors").is_file(), reason="no process reward model is shipped (data/prm)"
)


def samples(count):
    return [made_up(Key.root(17, "shipped", number)) for number in range(count)]


def test_it_says_itself_how_it_is_read():
    reader = Reader(NAME)
    assert (reader.recipe.name, reader.separator) == ("likelihood-head", "\n")


def test_right_steps_score_higher_than_wrong_ones():
    chosen = samples(60)
    readings = Reader(NAME).read([(sample.problem, [f"{line}\n" for line in sample.lines]) for sample in chosen])
    scores: dict[bool, list[float]] = {True: [], False: []}
    for sample, reading in zip(chosen, readings, strict=True):
        for right, score in zip(sample.right, reading.scores, strict=True):
            scores[bool(right)].append(score)
    means = {right: sum(values) / len(values) for right, values in scores.items()}
    assert means[True] > means[False] + 0.2


def test_the_pipeline_that_chooses_by_it_runs(tmp_path):
    overrides = ["task.count=2", "search.n=2"]
    summary = run_pipeline(load_pipeline("math/best-of-n", overrides=overrides), tmp_path / "run")
    assert (summary["n"], summary["failures"]) == (2, 0)
    for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert 0 <= record["score"] <= 1
        assert record["cost"]["scorer"]["scored_tokens"] > 0
