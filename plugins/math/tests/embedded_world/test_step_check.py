"""The step check accepts what is right, in any valid order, and tells each kind of fault."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treewright_math.embedded_world.corruption import KINDS, corrupted
from treewright_math.embedded_world.facts import Fact
from treewright_math.embedded_world.problem import Problem, draw_problem
from treewright_math.embedded_world.quantities import Definition, Quantity
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.solutions import solution, solution_lines
from treewright_math.embedded_world.step_check import check

WIDE = Recipe(facts=0.3, distractors=3, largest_given=200)
TOM = Problem(
    "Tom has 23 apples. The barn has 48 apples. Ann has as many apples as Tom and the barn together. "
    "Eva has 2 times as many apples as Tom. Max has as many apples as Ann and Eva together. "
    "How many apples does Max have?",
    (
        Quantity("Tom", "apples", 23),
        Quantity("the barn", "apples", 48),
        Quantity("Ann", "apples", 71, Definition("sum", (0, 1))),
        Quantity("Eva", "apples", 46, Definition("times", (0,), 2)),
        Quantity("Max", "apples", 117, Definition("sum", (2, 3))),
        Quantity("Ida", "apples", 20, Definition("fewer", (0,), 3)),
    ),
    4,
    (),
)
ANN, EVA, MAX = "Ann has 23 + 48 = 71 apples.", "Eva has 23 * 2 = 46 apples.", "Max has 71 + 46 = 117 apples."
END = "The answer is 117."


def faults(*lines):
    return check(TOM, "\n".join(lines)).faults


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9))
def test_right_solutions_are_accepted_in_every_valid_order(seed):
    draw = Random(seed)
    problem = draw_problem(WIDE, draw, "train")
    assert check(problem, solution(problem)).right
    assert check(problem, "\n".join(solution_lines(problem, draw)) + "\n").right


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(KINDS))
def test_a_corrupted_solution_is_never_wholly_right(seed, kind):
    draw = Random(seed)
    problem = draw_problem(WIDE._replace(depth=(2, 5)), draw, "train")
    lines = corrupted(problem, draw, kind)
    found = check(problem, "\n".join(lines))
    # leaving a step out, or asking early, can by chance leave a right solution only if nothing was changed
    assert found.right == (lines in _right_orders(problem, lines))


def _right_orders(problem, lines):
    usual = solution_lines(problem)
    return [lines] if sorted(lines) == sorted(usual) and lines[-1] == usual[-1] and lines == usual else []


def test_operands_may_be_swapped_where_order_does_not_matter():
    assert faults("Ann has 48 + 23 = 71 apples.") == (None,)
    assert faults("Eva has 2 * 23 = 46 apples.") == (None,)
    assert faults("Ida has 3 - 23 = 20 apples.") == ("wrong-operands",)


def test_both_orders_of_independent_steps_are_right():
    assert faults(ANN, EVA, MAX, END) == faults(EVA, ANN, MAX, END) == (None,) * 4


def test_a_step_that_is_not_needed_is_right():
    assert check(TOM, "\n".join([ANN, "Ida has 23 - 3 = 20 apples.", EVA, MAX, END])).right


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("Ann has 23 + 48 = 72 apples.", "wrong-arithmetic"),
        ("Ann has 23 + 46 = 69 apples.", "wrong-operands"),
        ("Ann has 23 * 48 = 71 apples.", "wrong-operands"),
        ("Ann has 23 + 48 = 71 pens.", "unknown-quantity"),
        ("Leo has 23 + 48 = 71 apples.", "unknown-quantity"),
        ("Tom has 20 + 3 = 23 apples.", "unknown-quantity"),
        ("Max has 71 + 46 = 117 apples.", "not-yet-known"),
        ("The answer is 117.", "premature-answer"),
        ("Ann has 71 apples.", "unparsable"),
        ("Ann has 23 + 48 = 71 apples", "unparsable"),
        ("Ann has 23 + 48 = apples.", "unparsable"),
        ("Ann has 23 + 48 = 71 + 0 apples.", "unparsable"),
        ("Ann has 23+48 = 71 apples.", "wrong-operands"),
        ("", "unparsable"),
        ("The answer is ²3.", "unparsable"),
        ("Ann has 23 + 48 = " + "7" * 5000 + " apples.", "unparsable"),
    ],
)
def test_each_fault_of_a_first_line_has_its_name(line, fault):
    assert faults(line) == (fault,)


def test_faults_of_later_lines_have_their_names():
    assert faults(ANN, ANN)[-1] == "repeated"
    assert faults(ANN, EVA, MAX, "The answer is 116.")[-1] == "wrong-answer"
    assert faults(ANN, EVA, MAX, END, MAX)[-1] == "after-the-answer"


def test_only_lines_up_to_the_first_fault_are_judged():
    found = check(TOM, "\n".join(["Ann has 23 + 48 = 72 apples.", EVA, MAX, END]))
    assert found.faults == ("wrong-arithmetic",)
    assert found.first_error == 0 and not found.right


def test_a_solution_without_an_answer_is_not_right_though_all_its_lines_are():
    found = check(TOM, "\n".join([ANN, EVA, MAX]))
    assert found.first_error == -1 and found.missing and not found.right


def test_a_long_sum_may_be_shown_in_one_go_or_in_parts_but_all_parts_must_agree():
    fact = Fact("zorp", "", 2, 0)
    quantities = (*TOM.quantities[:2], Quantity("Ann", "apples", 94, Definition("operation", (0, 1), 0, fact)))
    problem = Problem("…", quantities, 2, (fact,))
    for middle in ("46 + 48 = ", ""):
        assert check(problem, f"Ann has 2 * 23 + 48 = {middle}94 apples.\nThe answer is 94.").right
    assert check(problem, "Ann has 2 * 23 + 48 = 45 + 48 = 94 apples.").faults == ("wrong-arithmetic",)


def test_the_same_holder_at_two_times_is_two_quantities():
    quantities = (
        Quantity("Tom", "apples", 23),
        Quantity("Tom", "apples", 30, Definition("gain", (0,), 7)),
        Quantity("Tom", "apples", 25, Definition("loss", (1,), 5)),
    )
    problem = Problem("…", quantities, 2, ())
    assert check(problem, "Tom has 23 + 7 = 30 apples.\nTom has 30 - 5 = 25 apples.\nThe answer is 25.").right
    assert check(problem, "Tom has 30 - 5 = 25 apples.").faults == ("not-yet-known",)
