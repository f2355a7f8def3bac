"""Checks of tasks."""

from collections import Counter
from itertools import islice
from typing import Any

from treewright.testing.outcomes import Broken, Check, NotChecked
from treewright.testing.subjects import ComponentSubject
from treewright_registry import DataError, Problem

SAMPLE = 1000  # problems looked at
GOLD_WORDS = frozenset(
    "answer answers gold gold_answer ground_truth label reference references solution solutions".split()
)


def _problems(subject: ComponentSubject, limit: int = SAMPLE) -> list[Problem]:
    try:
        problems = list(islice(iter(subject.component.problems()), limit))
    except DataError as error:
        raise NotChecked(f"its data are not here: {str(error).splitlines()[0]}") from error
    if not problems:
        raise Broken("the task has no problems")
    return problems


def check_problem_ids_are_unique(subject: ComponentSubject) -> None:
    """Rule: every problem has an id of its own.

    Repair: number the problems, or add the record's number to its name.
    """
    counts = Counter(problem.id for problem in _problems(subject))
    twice = [name for name, number in counts.items() if number > 1]
    if twice:
        raise Broken(f"the id {twice[0]!r} occurs {counts[twice[0]]} times")


def check_problems_are_the_same_each_time(subject: ComponentSubject) -> None:
    """Rule: problems() yields the same problems in the same order each time; a resume depends on it.

    Repair: draw problems with a seed that is an option, and read files in sorted order.
    """
    first, second = _problems(subject), _problems(subject)
    if first != second:
        raise Broken("two calls gave different problems")


def check_no_gold_by_name(subject: ComponentSubject) -> None:
    """Rule: a problem holds no reference answer; its metadata go to policies and scorers.

    Repair: keep the answer in the task and look it up by id in grade().
    """
    for problem in _problems(subject):
        named = sorted(key for key in problem.metadata if key.lower() in GOLD_WORDS)
        if named:
            raise Broken(f"problem {problem.id!r} has metadata {named[0]!r}")


def check_no_gold_by_grading(subject: ComponentSubject) -> None:
    """Rule: no metadata of a problem is graded as its right answer.

    Repair: keep the answer in the task and look it up by id in grade().
    """
    problems = _problems(subject, 20)
    if len(problems) < 2:
        raise NotChecked("the task has a single problem")
    for key in problems[0].metadata:
        if all(_graded_right(subject.component, problem, key) for problem in problems):
            raise Broken(f"the metadata {key!r} is the right answer of every problem")


def _graded_right(task: Any, problem: Problem, key: str) -> bool:
    if key not in problem.metadata:
        return False
    try:
        return bool(task.grade(problem.id, problem.metadata[key]).correct)
    except Exception:  # metadata of another type than answers: no leak
        return False


def check_no_answer_is_wrong(subject: ComponentSubject) -> None:
    """Rule: grade(id, None) is not correct: no answer is a wrong answer.

    Repair: return Verdict(False) where the answer is None.
    """
    problem = _problems(subject, 1)[0]
    if subject.component.grade(problem.id, None).correct:
        raise Broken(f"no answer to problem {problem.id!r} counts as right")


CHECKS: tuple[Check, ...] = (
    check_problem_ids_are_unique,
    check_problems_are_the_same_each_time,
    check_no_gold_by_name,
    check_no_gold_by_grading,
    check_no_answer_is_wrong,
)
