"""The last word of searches whose candidates run out; what every search does with it is in ``test_every_search``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import DEPTH, LEAVES, Hash, run, value, words
from tests.searches.test_particles import Drawn
from treewright.searches.beam import Beam
from treewright.searches.dvts import Dvts
from treewright.searches.last_word import next_steps
from treewright.searches.particle_filter import ParticleFilter
from treewright_registry import Capability, Env, Likelihood, LikelihoodRequest, Need, Problem, Sampling


@pytest.mark.parametrize("limit", [4, 9])
def test_best_beginning_is_written_to_its_end_and_scored(limit: int) -> None:
    search = component("search", Beam, width=2, branch=3)
    solution, trace = run(search, scorer=Hash, budget={"candidates": limit})
    *earlier, last = words(trace)
    newest = [word for word in earlier if len(word) == max(map(len, earlier))]
    assert len(last) == DEPTH
    assert last.startswith(max(newest, key=value))
    assert (solution.answer, solution.score) == (last, value(last))
    assert solution.cost["policy"]["candidates"] == limit


@pytest.mark.parametrize("limit", [1, 2])
def test_budget_for_one_round_is_not_spent_on_it(limit: int) -> None:
    solution, trace = run(component("search", Dvts, n=3, branch=3), scorer=Hash, budget={"candidates": limit})
    assert solution.answer in LEAVES
    assert [len(word) for word in words(trace)] == ([0, DEPTH] if limit == 1 else [0, 1, DEPTH])


@pytest.mark.parametrize(
    "search",
    [component("search", Beam, width=1, branch=3, lookahead=2), component("search", Dvts, n=3, branch=3, lookahead=2)],
)
@pytest.mark.parametrize("limit", range(1, 20))
def test_lookahead_leaves_the_last_candidate_for_an_answer(search, limit: int) -> None:  # type: ignore[no-untyped-def]
    solution, _ = run(search, scorer=Hash, budget={"candidates": limit})
    assert solution.error is None


class Twice:
    """Asks for two steps of two prefixes, and notes what it got."""

    needs: ClassVar = {"policy": Need("policy"), "scorer": Need("scorer")}

    def __init__(self, *, answered: bool) -> None:
        self.answered = answered

    async def search(self, problem: Problem, env: Env) -> None:
        [firsts] = await env.propose([env.root], 2)
        families = await next_steps(env, firsts, 2, sampling=Sampling(), answered=self.answered)
        env.note("grown", sum(map(len, families)))
        env.note("left", env.remaining("candidates"))


@pytest.mark.parametrize(
    ("limit", "answered", "grown", "left"),
    [(7, False, 4, 1), (6, False, 3, 1), (5, False, 2, 1), (3, False, 0, 1), (6, True, 4, 0), (5, True, 3, 0)],
)
def test_round_keeps_one_candidate_until_there_is_an_answer(limit: int, answered: bool, grown: int, left: int) -> None:
    _, trace = run(component("search", Twice, answered=answered), budget={"candidates": limit})
    assert (trace.notes["grown"], trace.notes["left"]) == (grown, left)


class Drafts(Drawn):
    """Tells likelihoods, or fails to for words that begin with b (``unsure``)."""

    capabilities: ClassVar = frozenset({Capability.LOG_PROBABILITY, Capability.LOG_LIKELIHOOD})
    unsure = False

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        return [self._judge(request.trajectory.text) for request in requests]

    def _judge(self, word: str) -> Likelihood:
        lost = self.unsure and word.startswith("b")
        return Likelihood(float("nan"), 1, reason="no idea") if lost else Likelihood(-1.0, 1)


class Unsure(Drafts):
    unsure = True


@pytest.mark.parametrize(("policy", "told"), [(Drafts, True), (Unsure, False)])
def test_sweep_with_a_failed_likelihood_has_no_evidence(policy: type, told: bool) -> None:
    search = replace(
        component("search", ParticleFilter, particles=12, speculative=True),
        roles={"draft": "policy", "target": "policy"},
    )
    _, trace = run(search, policy=policy, scorer=Hash)
    assert {"a", "b", "c"} <= set(words(trace))
    assert ("log_evidence" in trace.notes) == told
