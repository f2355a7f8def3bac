"""A run's totals are the sum of its parts: summary = records = nodes of the traces, counter by counter."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toys import Judge, component, pipeline
from tests.run.paid_parts import LocalReward, Panel, Remote, RemoteReward, RemoteRewriter
from tests.run.running import results, run, summary
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright.run.run_folder import file_name
from treewright.searches.beam import Beam
from treewright.searches.mcts import Mcts
from treewright.searches.sample import Sample
from treewright.searches.self_refine_mcts import SelfRefineMcts
from treewright_registry import COUNTERS, Proposals, ProposeRequest

CALL = CallSettings(retries=0, concurrency=4, batch=4)


class Unreliable(Remote):
    """One request in five fails; a step has three prompt tokens and one evaluation behind it."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        [answer] = await super().propose(requests)
        if requests[0].key("failure").uniform() < 0.2:
            raise ConnectionError("reset by peer")
        return [answer._replace(usage=answer.usage._replace(prompt_tokens=3, inner_evaluations=1))]


def paying(kind: str, cls: type[Any], folder: Path) -> ComponentSpec:
    return component(kind, cls, CALL, log=str(folder / "log"))


CASES = {
    "sample, calls fail": (Sample, {"n": 6}, Unreliable, LocalReward),
    "beam, scores fail": (Beam, {"width": 2, "branch": 2}, Remote, RemoteReward),
    "mcts, composite scorer": (Mcts, {"branch": 2}, Unreliable, Judge),
    "sample, composite scorer of two rounds": (Sample, {"n": 3}, Unreliable, Panel),
    "self-refine, scores fail": (SelfRefineMcts, {}, RemoteRewriter, RemoteReward),
}


def specification(case: str, folder: Path) -> PipelineSpec:
    search, options, policy, scorer = CASES[case]
    judge = component("scorer", scorer) if scorer in (Judge, Panel) else paying("scorer", scorer, folder)
    return pipeline(
        search=component("search", search, **options),
        policy=paying("policy", policy, folder),
        scorer=judge,
        budget={"candidates": 16},
    )


def added(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: sum(part.get(name, 0) for part in parts) for name in COUNTERS}


def assert_totals_are_sums(out: Path) -> None:
    found, records = summary(out)["cost"], results(out)
    assert found["total"]["calls"] > 0
    roles = [role for role in found if role != "total"]
    for role in roles:
        assert found[role] == pytest.approx(added([record["cost"].get(role, {}) for record in records]))
    assert found["total"] == pytest.approx(added([found[role] for role in roles]))
    for record in records:
        lines = (out / "traces" / f"{file_name(record['id'])}.jsonl").read_text().splitlines()
        of_nodes = added([json.loads(line)["cost"] for line in lines])
        assert of_nodes == pytest.approx(added(list(record["cost"].values())), abs=1e-9), record["id"]
    assert summary(out)["failed_calls"]["n"] == found["total"]["failed_calls"]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_totals_are_sums_of_records_and_of_nodes(tmp_path: Path, case: str, workers: int) -> None:
    run(tmp_path / "out", specification(case, tmp_path), workers=workers)
    assert_totals_are_sums(tmp_path / "out")
    if "fail" in case:
        assert summary(tmp_path / "out")["failed_calls"]["n"] > 0


@pytest.mark.parametrize("case", CASES)
def test_totals_are_sums_after_a_resume_too(tmp_path: Path, case: str) -> None:
    spec = specification(case, tmp_path)
    run(tmp_path / "out", spec)
    whole = summary(tmp_path / "out")["cost"]["total"]
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "out" / "results.jsonl").write_text("".join(lines[:3]))  # killed before the others ended
    run(tmp_path / "out", spec, resume=True)
    assert_totals_are_sums(tmp_path / "out")
    totals = summary(tmp_path / "out")["cost"]["total"]
    assert 0 < totals["cached_calls"] < totals["calls"]
    counted = [name for name in COUNTERS if name not in ("cached_calls", "seconds")]
    assert {name: totals[name] for name in counted} == {name: whole[name] for name in counted}
