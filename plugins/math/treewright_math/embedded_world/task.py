"""The task ``math/embedded``: word problems of the embedded world, graded exactly, step by step too."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Literal

from treewright_registry import JSON, DataError, Key, Problem, Trajectory, Verdict

if TYPE_CHECKING:
    from treewright_math.embedded_world.problem import Problem as WordProblem
    from treewright_math.embedded_world.recipe import Recipe

Facts = Literal["none", "unknown", "given"]


class EmbeddedTask:
    """Word problems whose every step can be checked.

    An answer is the solution's text. Two answers mean the same if the number after "The answer is" is
    the same, and that number decides whether it counts as right; whether all steps were right is a metric.

    Args:
        count: how many problems.
        difficulty: ``easy`` 1–2 steps and numbers to 20, ``medium`` 2–3 and to 60, ``hard`` 3–4 and to 60.
        phrasing: ``seen`` tells them in sentence patterns of the training, ``held-out`` in others.
        facts: ``none``; ``unknown``: each needs an invented unit or operation that stands in the
            knowledge base only; ``given``: the same problems with that record before them.
        split: ``test`` or ``validation``; no training problem is in either.
        seed: names the problems; not the seed of the run.
        depth: arithmetic steps of every problem, 1 to 8, in the place of the difficulty's.
        largest: largest number in a text, at least 10, in the place of the difficulty's.
        distractors: most sentences that the answer does not need, in the place of the difficulty's.
        crossed: probability that a comparison's words suggest the opposite of what its step has to do.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        *,
        count: int = 100,
        difficulty: Literal["easy", "medium", "hard"] = "medium",
        phrasing: Literal["seen", "held-out"] = "seen",
        facts: Facts = "none",
        split: Literal["test", "validation"] = "test",
        seed: int = 0,
        depth: int | None = None,
        largest: int | None = None,
        distractors: int | None = None,
        crossed: float | None = None,
    ) -> None:
        if count < 1:
            raise ValueError(f"count must be 1 or more, not {count}")
        limits = {"depth": (depth, 1, 8), "largest": (largest, 10, 999), "distractors": (distractors, 0, 6)}
        for name, (value, least, most) in {**limits, "crossed": (crossed, 0.0, 1.0)}.items():
            if value is not None and not least <= value <= most:
                raise ValueError(f"{name} must lie between {least} and {most}, not {value}")
        own = {"depth": depth, "largest": largest, "distractors": distractors, "crossed": crossed}
        self._own = {name: value for name, value in own.items() if value is not None}
        self._count, self._difficulty, self._phrasing = count, difficulty, phrasing
        self._facts, self._split, self._seed = facts, split, seed
        self._problems: dict[str, WordProblem] | None = None

    def problems(self) -> Iterable[Problem]:
        """All problems, in order; the metadata hold no answer."""
        return [Problem(name, self._prompt(problem)) for name, problem in self._all().items()]

    def extract(self, trajectory: Trajectory) -> JSON:
        """The solution, if it holds an answer; else ``None``."""
        return trajectory.text if answer_in(trajectory.text) is not None else None

    def canonical(self, answer: JSON) -> Hashable:
        """The number; a text without one stands for itself."""
        return None if answer is None else _number(answer) or str(answer)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        """Whether the number is right.

        Metrics: ``steps_right`` 1 if every step is right too, ``right_lines`` the lines before the first fault.

        Raises:
            DataError: no problem has this id.
        """
        from treewright_math.embedded_world.step_check import check

        problem = self._all().get(problem_id)
        if problem is None:
            raise DataError(f"there is no problem '{problem_id}' in this task")
        if answer is None:
            return Verdict(False, {"steps_right": 0.0, "right_lines": 0.0})
        found = check(problem, str(answer))
        lines = len(found.faults) if found.first_error < 0 else found.first_error
        metrics = {"steps_right": float(found.right), "right_lines": float(lines)}
        return Verdict(_number(answer) == str(problem.answer), metrics)

    def _prompt(self, problem: WordProblem) -> str:
        from treewright_math.embedded_world.prompts import fact_record, user_message

        records = [fact_record(fact.text) for fact in problem.facts] if self._facts == "given" else []
        return user_message(problem.text, records)

    def _all(self) -> dict[str, WordProblem]:
        # the instance near the policy never grades, so no graph is in its memory after ``problems``
        if self._problems is None:
            self._problems = self._drawn()
        return self._problems

    def _drawn(self) -> dict[str, WordProblem]:
        from treewright_math.embedded_world.recipe import DIFFICULTIES, with_own

        own = "".join(f"-{name}{value}" for name, value in self._own.items())
        facts, settings = self._facts != "none", f"{self._difficulty}-{self._phrasing}{own}"
        name = f"{settings}{'-facts' if facts else ''}-{self._split}-{self._seed}"
        key = Key.root(self._seed, "math/embedded", settings, int(facts), self._split)
        recipe = with_own(DIFFICULTIES[self._difficulty], self._own)._replace(facts=float(facts))
        problems = draw_set(key, self._count, recipe, self._phrasing == "held-out", self._split)
        return {f"{name}-{index}": problem for index, problem in enumerate(problems)}


def draw_set(
    key: Key, count: int, recipe: Recipe, held_out: bool, split: Literal["test", "validation"]
) -> list[WordProblem]:
    """Different problems of one kind; the i-th depends on the key and i alone, but for repeated ones."""
    from treewright_math.embedded_world.problem import draw_problem

    problems: dict[str, WordProblem] = {}
    index = 0
    while len(problems) < count:
        problem = draw_problem(recipe, key.child(index).generator(), split, held_out=held_out)
        problems.setdefault(problem.identity, problem)
        index += 1
    return list(problems.values())


def answer_in(text: str) -> str | None:
    """The last number after "The answer is"; ``None`` if there is none."""
    _, said, after = text.rpartition("The answer is ")
    digits = after[: len(after) - len(after.lstrip("0123456789"))]
    return (digits.lstrip("0") or "0") if said and digits else None


def _number(answer: JSON) -> str | None:
    text = str(answer).strip()
    return (text.lstrip("0") or "0") if text.isascii() and text.isdigit() else answer_in(text)
