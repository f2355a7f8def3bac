"""The task's problems, answers and grades."""

import pytest

from treewright_math.embedded_world.facts import EVALUATION_FACTS
from treewright_math.embedded_world.solutions import solution
from treewright_math.embedded_world.task import EmbeddedTask, answer_in
from treewright_registry import DataError, Problem, Step, Trajectory


def test_problems_are_the_same_every_time_and_differ_from_each_other():
    first, again = (list(EmbeddedTask(count=20).problems()) for _ in range(2))
    assert [(p.id, p.prompt) for p in first] == [(p.id, p.prompt) for p in again]
    assert len({p.prompt for p in first}) == 20
    assert first[3].id == "medium-seen-test-0-3" and first[3].metadata == {}


def test_fewer_problems_are_the_first_of_more():
    more = [p.prompt for p in EmbeddedTask(count=12).problems()]
    assert [p.prompt for p in EmbeddedTask(count=5).problems()] == more[:5]


def test_each_option_gives_other_problems():
    options = [{}, {"difficulty": "hard"}, {"phrasing": "held-out"}, {"facts": "unknown"}, {"seed": 1}]
    options += [{"split": "validation"}]
    sets = [{p.prompt for p in EmbeddedTask(count=8, **one).problems()} for one in options]
    assert len(set.union(*sets)) == 8 * len(options)


def test_a_right_solution_is_right_in_number_and_steps():
    task = EmbeddedTask(count=5)
    for problem in task.problems():
        text = solution(task._all()[problem.id])
        verdict = task.grade(problem.id, text)
        assert verdict.correct and verdict.metrics == {"steps_right": 1.0, "right_lines": text.count("\n") + 1.0}


def test_a_right_number_after_a_wrong_step_counts_but_its_steps_do_not():
    task = EmbeddedTask(count=1)
    (problem,) = task.problems()
    known = task._all()[problem.id]
    verdict = task.grade(problem.id, f"Tom has 1 + 1 = 3 apples.\nThe answer is {known.answer}.")
    assert verdict.correct and verdict.metrics == {"steps_right": 0.0, "right_lines": 0.0}
    assert task.grade(problem.id, str(known.answer)).correct
    assert not task.grade(problem.id, f"The answer is {known.answer + 1}.").correct
    assert not task.grade(problem.id, None).correct


def test_a_wrong_id_is_refused():
    with pytest.raises(DataError, match="no problem 'x'"):
        EmbeddedTask(count=1).grade("x", "The answer is 1.")


def test_the_answer_is_the_solution_and_counts_as_its_number():
    task = EmbeddedTask(count=1)
    trajectory = (
        Trajectory(Problem("p", "…")).extend(Step("Tom has 1 + 1 = 2 apples.\n")).extend(Step("The answer is 2."))
    )
    answer = task.extract(trajectory)
    assert answer == "Tom has 1 + 1 = 2 apples.\nThe answer is 2."
    assert task.canonical(answer) == task.canonical("The answer is 002.") == task.canonical("2") == "2"
    assert task.canonical("The answer is 3.") != task.canonical(answer)
    assert task.canonical(None) is None
    assert task.extract(Trajectory(Problem("p", "…")).extend(Step("no answer"))) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is 12.", "12"),
        ("The answer is 1.\nThe answer is 20.", "20"),
        ("The answer is 007", "7"),
        ("The answer is 0.", "0"),
        ("The answer is .", None),
        ("The answer is twelve.", None),
        ("12", None),
        ("", None),
    ],
)
def test_the_last_number_after_the_answer_is_counts(text, number):
    assert answer_in(text) == number


def test_facts_stand_before_the_problem_only_if_they_are_given():
    unknown = list(EmbeddedTask(count=10, facts="unknown").problems())
    given = list(EmbeddedTask(count=10, facts="given").problems())
    facts = {fact.text for fact in EVALUATION_FACTS}
    for without, with_fact in zip(unknown, given, strict=True):
        assert not any(fact in without.prompt for fact in facts)
        head, _, problem = with_fact.prompt.rpartition("Problem:\n\n")
        assert problem == without.prompt
        assert head.startswith("Retrieved records, best first:\n\n[1] Fact: ") and any(fact in head for fact in facts)


def test_a_count_of_nothing_is_refused():
    with pytest.raises(ValueError, match="count"):
        EmbeddedTask(count=0)


def test_depth_numbers_distractors_and_crossed_statements_can_be_set_apart():
    deep = EmbeddedTask(count=6, depth=5, largest=200, distractors=0)
    assert all(len(list(problem.quantities)) >= 6 for problem in deep._all().values())
    usual = list(EmbeddedTask(count=4).problems())
    own = list(EmbeddedTask(count=4, crossed=1.0).problems())
    assert own[0].id == "medium-seen-crossed1.0-test-0-0"
    assert {p.prompt for p in usual}.isdisjoint(p.prompt for p in own)


@pytest.mark.parametrize("option", [{"depth": 9}, {"depth": 0}, {"largest": 0}, {"distractors": -1}, {"crossed": 1.5}])
def test_settings_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} must lie between"):
        EmbeddedTask(count=1, **option)
