"""Laws that hold of every search because the engine sees to them (T19), on the toy words of the engine's tests.

More of each stands in ``tests/engine/test_batch_invariance.py``, ``tests/searches/test_every_search.py`` and
``tests/run/test_journal.py``.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.engine.every_search import REVISING, SEARCHES
from tests.engine.toys import AsyncRewriter, AsyncSpeller, Rewriter, Words, component, pipeline, solve, timeless
from tests.laws.law import Law, Outcome, equal
from tests.run.paid_parts import Remote, paid
from tests.run.running import results, run
from tests.searches.test_every_search import TOGETHER, before_the_last_batch, calls, traced
from tests.searches.test_every_search import specification as few
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright.searches.beam import Beam

OTHERS = 50
MIXED = 8  # problems whose answers come in another order


def _specification(search: str, count: int = OTHERS + 1, **parts: Any) -> PipelineSpec:
    if search in REVISING:
        parts = {"policy": component("policy", Rewriter), **parts}
    return pipeline(search=SEARCHES[search], budget={"candidates": 40}, count=count, **parts)


def _late(search: str) -> ComponentSpec:
    return component("policy", AsyncRewriter if search in REVISING else AsyncSpeller, delay=0.01)


def _solutions(spec: PipelineSpec, problem: int | None = None) -> Mapping[str, object]:
    found = solve(spec, None if problem is None else [Words(count=OTHERS + 1).problems()[problem]])
    return {id_: timeless(solution) for id_, solution in found.items()}


def _alone(other_seed: int, draws: int, seed: int) -> Outcome:
    """One problem of every search, among 50 others and by itself."""
    among = [_solutions(_specification(search, seed=seed))["w7"] for search in SEARCHES]
    alone = [_solutions(_specification(search, seed=seed + other_seed), 7)["w7"] for search in SEARCHES]
    return equal("solutions of one problem", among, alone)


def _in_any_order(other_seed: int, draws: int, seed: int) -> Outcome:
    """All problems of every search, with a policy that answers at once and one whose answers come late and mixed."""
    plain = [_solutions(_specification(search, MIXED, seed=seed)) for search in SEARCHES]
    late = [
        _solutions(_specification(search, MIXED, seed=seed + other_seed, policy=_late(search))) for search in SEARCHES
    ]
    return equal("searches with other solutions", plain, late)


def _overrun(limited: bool, draws: int, seed: int) -> Outcome:
    """Calls before the last batch, which must be below the limit of 7: searches for which they are not."""
    budget = {"candidates": 100, **({"calls": 7} if limited else {})}
    over = [
        search
        for search in SEARCHES
        for _, records in traced(few(search, budget=budget))
        if sum(map(calls, before_the_last_batch(records, TOGETHER.get(search, 1)))) >= 7
    ]
    return equal("runs over the limit", len(over), 0)


def _resumed(journal: bool, draws: int, seed: int) -> Outcome:
    """A run whose results are lost and whose journal is there: its calls and its answers when it is run again."""
    with TemporaryDirectory() as folder:
        at = Path(folder)
        policy = component("policy", Remote, CallSettings(retries=0), log=str(at / "log"))
        spec = pipeline(policy=policy, search=component("search", Beam, width=2, branch=2), count=4, seed=seed)
        run(at / "out", spec)
        before, made = _answers(at / "out"), len(paid(at / "log"))
        (at / "out" / "results.jsonl").unlink()
        if not journal:
            (at / "out" / "journal.sqlite").unlink()
        run(at / "out", spec, resume=True)
        return equal("answers, and calls made again", [_answers(at / "out"), len(paid(at / "log")) - made], [before, 0])


def _answers(out: Path) -> Sequence[object]:
    return sorted((row["id"], row["answer"]) for row in results(out))


LAWS = [
    Law(
        "engine",
        "T19",
        f"(a) one problem alone or among {OTHERS} others: the same solution and cost, every search",
        partial(_alone, 0),
        partial(_alone, 1),
        "another seed",
    ),
    Law(
        "engine",
        "T19",
        "(b) a limit of 7 calls is overrun by no more than the batch in flight, every search",
        partial(_overrun, True),
        partial(_overrun, False),
        "no limit",
    ),
    Law(
        "engine",
        "T19",
        "(c) the order in which answers come back changes nothing, every search",
        partial(_in_any_order, 0),
        partial(_in_any_order, 1),
        "another seed",
    ),
    Law(
        "engine",
        "T19",
        "(d) resumed from the journal: the same answers, and no call is made again",
        partial(_resumed, True),
        partial(_resumed, False),
        "the journal is gone",
    ),
]
