"""What is made once for a problem: shared, paid for once, and drawn alike whoever asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from tests.engine.toys import AsyncSpeller, Speller, ThreadedSpeller, component, pipeline, solve, timeless
from treewright.engine.solving import Solution
from treewright_registry import Env, Need, Problem, Proposals, ProposeRequest, Score


async def _letter(env: Env) -> str:
    [[child]] = await env.propose([env.root], 1, role="model")
    return child.text


class Lettered:
    """Passes requests on to ``model``; before, it asks for the problem's letter so many times."""

    needs: ClassVar[Mapping[str, Need]] = {"model": Need("policy")}

    def __init__(self, *, times: int = 1, fails: bool = False) -> None:
        self.times = times
        self.make = _failing if fails else _letter

    async def propose(self, requests: Sequence[ProposeRequest], env: Env) -> list[Proposals]:
        letters = await env.together(*(env.once("letter", ["model"], self.make) for _ in range(self.times)))
        assert len(set(letters)) <= 1
        families = await env.propose([request.trajectory for request in requests], requests[0].n, role="model")
        return [Proposals([child.step for child in children if child.step]) for children in families]


async def _failing(env: Env) -> str:
    await _letter(env)
    raise ValueError("no letter today")


class Spelled:
    """Spells words side by side, so that several calls ask at the same time."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy")}

    async def search(self, problem: Problem, env: Env) -> None:
        words = [env.root, env.root]
        for _ in range(4):
            families = await env.together(*(env.propose([word], 1) for word in words))
            words = [children[0] for [children] in families if children]
        for word in words:
            env.offer(word, Score(env.random(word.text).uniform()))


def spelled(policy: type, model: type = Speller, count: int = 3, **options: Any) -> dict[str, Solution]:
    spec = pipeline(search=component("search", Spelled), count=count)
    roles = {"policy": component("policy", policy, **options), "model": component("policy", model)}
    return solve(replace(spec, roles=roles))


@pytest.mark.parametrize("model", [Speller, ThreadedSpeller, AsyncSpeller])
def test_many_who_ask_at_the_same_time_pay_one_call(model: type) -> None:
    for solution in spelled(Lettered, model, times=3).values():
        assert solution.cost["model"]["calls"] == 1 + 4 * 2


def test_asking_moves_no_other_draw() -> None:
    once, never = spelled(Lettered, times=2), spelled(Lettered, times=0)
    assert [each.answer for each in once.values()] == [each.answer for each in never.values()]
    assert once["w0"].cost["model"]["calls"] == never["w0"].cost["model"]["calls"] + 1


def test_each_problem_has_its_own() -> None:
    assert timeless(spelled(Lettered, count=2)["w1"]) == timeless(spelled(Lettered, count=3)["w1"])


def test_what_could_not_be_made_is_an_error_for_everybody_who_asks() -> None:
    solution = spelled(Lettered, fails=True, count=1)["w0"]
    assert solution.cost["model"]["calls"] == 1
    assert solution.failed_calls[:2] == ("policy.propose: ValueError: no letter today",) * 2
