"""The shipped models are what their cards say."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from treewright import load_pipeline, run_pipeline
from treewright_language.checkpoints import load_causal_lm, load_tokenizer, vocabulary_fingerprint
from treewright_math.embedded_world import tokenizer
from treewright_math.embedded_world.evaluation import Kind, greedy_row
from treewright_math.embedded_world.export import load_causal
from treewright_math.embedded_world.prm_evaluation import auc
from treewright_math.embedded_world.prm_samples import made_up
from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.reader import Reader
from treewright_registry import Key

DATA = Path(str(files("treewright_math") / "data"))
NAMES = [name for name in ("target", "draft", "prm") if (DATA / name / "model.safetensors").exists()]
with_prm = pytest.mark.skipif("prm" not in NAMES, reason="the reward model is not trained yet")
SIZES = {"target": (1_000_000, 4_000_000), "draft": (200_000, 600_000)}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def figures(name):
    return json.loads((DATA / name / "figures.json").read_text(encoding="utf-8"))


def row(name, kind):
    wanted = (kind.difficulty, "held-out" if kind.held_out else "seen", kind.facts, kind.worked)
    keys = ("difficulty", "phrasing", "facts", "worked")
    rows = figures(name)["rows"]
    return next(one for one in rows if "greedy" in one and tuple(one[key] for key in keys) == wanted)


@pytest.mark.parametrize("name", ["target", "draft"])
def test_a_language_model_has_its_size_and_loads_like_any_checkpoint(name):
    model = load_causal_lm(f"treewright_math:data/{name}")
    weights = sum(parameter.numel() for parameter in load_causal(DATA / name)[0].parameters())
    least, most = SIZES[name]
    assert least <= weights == figures(name)["settings"]["weights"] <= most
    assert model.config.model_type in ("llama", "qwen2") and model.dtype == torch.float32


def test_all_models_have_the_tokenizer_that_the_world_makes(tmp_path):
    tokenizer.save(tmp_path)
    made = (tmp_path / "tokenizer.json").read_bytes()
    assert {"target", "draft"} <= set(NAMES)
    for name in NAMES:
        assert (DATA / name / "tokenizer.json").read_bytes() == made
    prints = {vocabulary_fingerprint(load_tokenizer(f"treewright_math:data/{name}")) for name in ("target", "draft")}
    assert len(prints) == 1


@pytest.mark.parametrize("kind", [Kind("easy"), Kind("hard", held_out=True)], ids=["easy, seen", "hard, held out"])
@pytest.mark.parametrize("name", ["target", "draft"])
def test_fifty_fixed_problems_come_out_as_on_the_card(name, kind):
    model, words = load_causal(DATA / name)
    measured = greedy_row(model, words, kind, 50, seed=0)["first_50"]
    assert abs(measured - row(name, kind)["first_50"]) <= 2  # other processors round otherwise
    share, low, high = row(name, kind)["greedy"]
    assert low < share < high


@pytest.mark.parametrize("name", ["target", "draft"])
def test_easy_problems_are_neither_too_easy_nor_too_hard(name):
    assert 0.2 < row(name, Kind("easy"))["greedy"][0] < 0.95


def test_the_card_keeps_what_search_needs():
    for difficulty in ("easy", "medium", "hard"):
        for held_out in (False, True):
            kind = Kind(difficulty, held_out=held_out)
            assert 0.4 <= row("target", kind)["greedy"][0] <= 0.8
            assert row("draft", kind)["greedy"][0] < row("target", kind)["greedy"][0]
    given, unknown = (row("target", Kind("easy", facts=facts))["greedy"] for facts in ("given", "unknown"))
    assert given[1] > unknown[2]  # intervals apart: retrieval can help
    for one in (one for one in figures("target")["rows"] if "any" in one):
        assert one["any"][0] > one["single"][0] + 0.2  # on the same problems: a choice among samples can help


@with_prm
def test_the_reward_model_tells_right_steps_from_wrong_ones():
    reader = Reader("treewright_math:data/prm", RECIPES["likelihood-head"])
    samples = [made_up(Key.root(7, "shipped", number)) for number in range(60)]
    readings = reader.read([(one.problem, one.lines) for one in samples], "")
    pairs = [
        (score, good)
        for one, reading in zip(samples, readings, strict=True)
        for score, good in zip(reading.scores, one.right, strict=True)
    ]
    assert auc(pairs) > 0.8


def test_the_greedy_pipeline_gives_the_figures_of_the_card(tmp_path):
    pipeline = load_pipeline("math/greedy", overrides=["task.difficulty=easy"])
    summary = run_pipeline(pipeline, tmp_path / "greedy", limit=50)
    assert abs(summary["accuracy"] * 50 - row("target", Kind("easy"))["first_50"]) <= 2


@with_prm
def test_best_of_n_runs_as_it_stands(tmp_path):
    pipeline = load_pipeline("math/best-of-n", overrides=["search.n=4"])
    summary = run_pipeline(pipeline, tmp_path / "best", limit=2)
    assert (summary["n"], summary["failures"], summary["failed_calls"]["n"]) == (2, 0, 0)
    assert summary["cost"]["scorer"]["reward_calls"] == 8  # each of four samples of two problems
