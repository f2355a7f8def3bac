"""The policy behind the whole engine: searches over steps, likelihoods, journal."""

import pytest

from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright.searches.beam import Beam
from treewright.searches.gsi import Gsi
from treewright.searches.mcts import Mcts
from treewright.searches.sample import Sample
from treewright_language.transformers_policy import TransformersPolicy
from treewright_registry import Descriptor, Problem, Score

PROBLEMS = [Problem(f"p{number}", f"question {number}") for number in range(5)]


class Vowels:
    """The more vowels a text has, the better."""

    level = "step"
    range = (0.0, 1.0)
    link = "real"

    def score(self, requests):
        texts = [request.trajectory.text for request in requests]
        return [Score(sum(letter in "aeiou" for letter in text) / (len(text) + 1)) for text in texts]


class Reader:
    """A task without references: the answer is the text."""

    def extract(self, trajectory):
        return trajectory.text

    def canonical(self, answer):
        return answer


def spec(kind, component, options=None, call=CallSettings()):  # noqa: B008
    return ComponentSpec(Descriptor(kind, f"test/{component.__name__.lower()}", component), options or {}, call)


@pytest.fixture
def solve(checkpoint):
    def solve(search, options, *, live=5, roles=("policy",), problems=PROBLEMS, **policy):
        plain = {"model": str(checkpoint()), "device": "cpu", "delimiter": "e", "max_tokens": 12, **policy}
        policies = {}
        for number, role in enumerate(roles):
            folder = str(checkpoint(seed=2)) if number else plain["model"]
            policies[role] = spec("policy", TransformersPolicy, {**plain, "model": folder})
        pipeline = PipelineSpec(
            task=spec("task", Reader),
            search=spec("search", search, options),
            aggregator=spec("aggregator", Best),
            roles={**policies, "scorer": spec("scorer", Vowels)},
            live=live,
        )
        found = {}
        run_local(pipeline, ListFeed(problems), lambda made: found.setdefault(made.problem_id, made))
        return found

    return solve


SEARCHES = {
    "sample": (Sample, {"n": 4}, ("policy",)),
    "beam": (Beam, {"width": 3, "branch": 2, "depth": 4}, ("policy",)),
    "mcts": (Mcts, {"branch": 2, "iterations": 6}, ("policy",)),
    "gsi": (Gsi, {"n": 3, "steps": 3, "max_tokens": 8}, ("draft", "target")),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_searches_find_the_same_alone_and_together_with_and_without_reuse(name, solve):
    search, options, roles = SEARCHES[name]
    together = solve(search, options, roles=roles)
    assert all(solution.error is None for solution in together.values())
    assert all(not solution.failed_calls for solution in together.values())
    alone = solve(search, options, roles=roles, live=1, reuse=False)
    for problem, solution in together.items():
        assert solution.answer == alone[problem].answer
        assert solution.score == pytest.approx(alone[problem].score)


def test_failed_problem_costs_the_others_nothing(solve):
    problems = [*PROBLEMS[:2], Problem("long", "1 " * 400)]
    found = solve(Sample, {"n": 2}, problems=problems)
    assert "context holds" in str(found["long"].failed_calls)
    assert [found[name].error for name in ("p0", "p1")] == [None, None]
