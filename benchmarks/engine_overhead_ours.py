"""treewright's side of ``engine_overhead.py``: one problem, instant components, batches of one.

Trace, ledger and budget are always on in treewright; the endpoint works run through the limiter.
"""

from functools import partial
from typing import Any

from instant_parts import InstantEndpoint, InstantPolicy, InstantScorer, InstantTask, OneRequestEach
from overhead_worker import Run, serve

from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright.searches.beam import Beam
from treewright.searches.mcts import Mcts
from treewright.searches.sample import Sample
from treewright_registry import Descriptor

BRANCH = 4
LEVELS = 16  # of the beam; its width grows with the size
CALL = CallSettings(batch=1, concurrency=32)


def _part(kind: str, cls: type[Any], **options: Any) -> ComponentSpec:
    return ComponentSpec(Descriptor(kind, f"bench/{cls.__name__.lower()}", cls), options, CALL)


def _run(search: ComponentSpec, policy: type[Any], size: int) -> Run:
    spec = PipelineSpec(
        task=_part("task", InstantTask),
        search=search,
        aggregator=_part("aggregator", Best),
        roles={"policy": _part("policy", policy), "scorer": _part("scorer", InstantScorer)},
        budget={"candidates": size},
    )
    return partial(_solve, spec)


def _solve(spec: PipelineSpec) -> int:
    solutions: list[Solution] = []
    run_local(spec, ListFeed(InstantTask().problems()), solutions.append)
    assert solutions[0].error is None, solutions[0].error
    return int(solutions[0].cost["policy"]["candidates"])


def _mcts(size: int) -> Run:
    return _run(_part("search", Mcts, branch=BRANCH), InstantPolicy, size)


def _beam(size: int) -> Run:
    width = max(1, size // (BRANCH * LEVELS))
    return _run(_part("search", Beam, width=width, branch=BRANCH, depth=LEVELS), InstantPolicy, size)


def _best_of_n(size: int) -> Run:
    return _run(_part("search", Sample, n=size, wave=size), InstantPolicy, size)


def _one_request_for_all(size: int) -> Run:
    return _run(_part("search", Sample, n=size, wave=size), InstantEndpoint, size)


def _one_request_each(size: int) -> Run:
    return _run(_part("search", OneRequestEach, n=size), InstantEndpoint, size)


if __name__ == "__main__":
    serve(
        {
            ("treewright", "mcts"): _mcts,
            ("treewright", "beam"): _beam,
            ("treewright", "best-of-n"): _best_of_n,
            ("treewright", "best-of-n, endpoint, one request"): _one_request_for_all,
            ("treewright", "best-of-n, endpoint, n requests"): _one_request_each,
        }
    )
