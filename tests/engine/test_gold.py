"""No policy, scorer or search can see a reference answer."""

import gc
import types
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from tests.engine.toys import Speller, Vowels, Words, component, pipeline, solve
from treewright_registry import TO_END, Env, Key, Need, Problem, Proposals, ProposeRequest, Score, Step

SECRET = Key.root(99, "secret").digest.hex()


class SecretTask(Words):
    """Its one reference answer is a string that exists nowhere else."""

    def problems(self) -> list[Problem]:
        problems = super().problems()
        self.gold = {problem.id: SECRET[:16] + SECRET[16:] for problem in problems}
        return problems


def reachable_texts(*roots: object) -> set[str]:
    """Every string that can be reached from objects, through anything but modules and code."""
    seen: set[int] = set()
    texts: set[str] = set()
    stack: list[Any] = list(roots)
    while stack:
        item = stack.pop()
        if id(item) in seen or isinstance(item, types.ModuleType | types.CodeType | type | types.FrameType):
            continue
        seen.add(id(item))
        if isinstance(item, str):
            texts.add(item)
        elif isinstance(item, types.FunctionType):
            stack.extend(cell.cell_contents for cell in item.__closure__ or ())
        else:
            stack.extend(gc.get_referents(item))
    return texts


class Snoop(Speller):
    """Looks at everything that hangs on its request, then answers what it found."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        found = SECRET in reachable_texts(*requests, self)
        return [Proposals([Step("found" if found else "nothing", finish="stop")]) for _ in requests]


class SnoopSearch:
    """Looks at everything that hangs on its environment."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy")}

    async def search(self, problem: Problem, env: Env) -> None:
        found = SECRET in reachable_texts(problem, env, self)
        [[trajectory]] = await env.propose([env.root], 1, sampling=TO_END)
        env.offer(trajectory, Score(1.0 if found else 0.5))


class HeapSnoop(Speller):
    """Looks at every object that Python's collector knows, and at everything in reach of those."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        answer = "found" if on_the_heap() else "nothing"
        return [Proposals([Step(answer, finish="stop")]) for _ in requests]


def on_the_heap() -> bool:
    """Whether a reference answer lies anywhere in this process. This module's own constant does not count."""
    # type(), not isinstance(): the heap holds proxies that run code when asked for their class
    tasks = [item for item in gc.get_objects() if type(item) is SecretTask]
    others = [item for item in gc.get_objects() if type(item) is dict and item is not globals()]
    held = [value for item in others for value in list(item.values()) if type(value) is str and value == SECRET]
    # the constant itself is one string object; an answer that a task made is another
    return any(task.gold for task in tasks) or any(value is not SECRET for value in held)


def graded_task() -> SecretTask:
    task = SecretTask(count=2)
    task.problems()
    return task


def test_policy_finds_no_reference_answer_in_reach_of_its_request() -> None:
    task = graded_task()
    spec = pipeline(policy=component("policy", Snoop), scorer=component("scorer", Vowels))
    solutions = solve(spec, task.problems())
    assert {solution.answer for solution in solutions.values()} == {"nothing"}


def test_search_finds_no_reference_answer_in_reach_of_its_environment() -> None:
    task = graded_task()
    spec = pipeline(search=component("search", SnoopSearch))
    solutions = solve(spec, task.problems())
    assert {solution.score for solution in solutions.values()} == {0.5}


def test_worker_process_holds_no_reference_answer_at_all() -> None:
    task = graded_task()
    spec = replace(pipeline(policy=component("policy", HeapSnoop)), task=component("task", SecretTask, count=2))
    solutions = solve(spec, task.problems(), workers=2)
    assert {solution.answer for solution in solutions.values()} == {"nothing"}
    assert {solution.answer for solution in solve(spec, task.problems()).values()} == {"found"}  # the control


def test_the_snoop_does_find_an_answer_that_is_in_reach() -> None:
    """The negative control: a problem that carries its answer is caught."""
    spec = pipeline(policy=component("policy", Snoop))
    leaky = Problem("leak", "question", {"answer": SECRET})
    assert solve(spec, [leaky])["leak"].answer == "found"
    assert SECRET in reachable_texts(graded_task())
