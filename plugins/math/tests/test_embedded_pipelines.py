"""Every pipeline of the embedded models runs as it stands, with nothing set by its user."""

import json
from importlib.resources import files

import pytest

from treewright import load_pipeline, run_pipeline

DRAFTING = ("specs", "gsi", "rsd")
SCORED = ("best-of-n", "beam", "mcts", "r2", *DRAFTING)
FEW = {"mcts": 1, "r2": 1}  # problems; two of the others
needs_models = pytest.mark.skipif(
    not all(
        files("treewright_math").joinpath(f"data/{name}/model.safetensors").is_file() for name in ("target", "prm")
    ),
    reason="the embedded models are not all there",
)


@pytest.fixture(scope="module", autouse=True)
def settings_of_our_own(tmp_path_factory):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
    torch.set_num_threads(before)


def run(name, folder):
    summary = run_pipeline(load_pipeline(f"math/{name}"), folder, limit=FEW.get(name, 2))
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return summary, [json.loads(line) for line in lines]


@needs_models
@pytest.mark.parametrize("name", ["greedy", "majority", *SCORED])
def test_a_pipeline_answers_as_it_stands(name, tmp_path):
    summary, results = run(name, tmp_path / "run")
    assert (summary["n"], summary["failures"], summary["failed_calls"]["n"]) == (FEW.get(name, 2), 0, 0)
    assert len(results) == summary["problems"] == summary["n"]
    assert summary["accuracy"] is not None
    for result in results:
        assert result["error"] is None and result["answer"] is not None
        cost = result["cost"]
        assert all(cost[role]["calls"] > 0 for role in cost)
        assert sum(each["generated_tokens"] for each in cost.values()) > 0
        assert ("scorer" in cost) == (name in SCORED)
        if name in SCORED:
            assert cost["scorer"]["reward_calls"] > 0 and result["score"] is not None
        if name in DRAFTING:
            assert result["notes"]["rounds"] > 0
            assert cost["draft"]["candidates"] >= result["notes"]["rounds"]
    if name == "r2":
        roles = {"problems", "steps", "facts", "model", "reward"}
        assert roles <= summary["cost"].keys()
