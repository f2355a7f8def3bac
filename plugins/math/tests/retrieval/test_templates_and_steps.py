"""Templates by rule, and solutions cut into steps."""

import pytest

from treewright_math.retrieval.solution_steps import solution_steps
from treewright_math.retrieval.templates import normalised, overlap, pairs_of, template_of


@pytest.mark.parametrize(
    ("problem", "template"),
    [
        ("Find $3y+12$.", "find # x + #"),
        ("What is \\frac{1}{2} of 1,000?", "what is \\frac # # of #"),
        ("I have a dog.", "i have a dog"),
        ("", ""),
    ],
)
def test_numbers_and_single_letters_are_taken_out(problem, template):
    assert template_of(problem) == template


def test_overlap_is_that_of_neighbouring_words():
    first, second = pairs_of("what is # + #"), pairs_of("what is # - #")
    assert overlap(first, second) == 4 / 8
    assert overlap(first, first) == 1.0
    assert overlap(first, pairs_of("bake")) == 0.0


def test_problems_are_the_same_whatever_their_case_and_space():
    assert normalised("Find $x$\n when  x = 2") == normalised("find $X$when x=2")
    assert normalised("x = 2") != normalised("x = 3")


@pytest.mark.parametrize(
    ("solution", "steps"),
    [
        ("He has 2*3=<<2*3=6>>6 apples now.\nSo she has 12 of them all.\n#### 12",
         ["He has 2*3=6 apples now.", "So she has 12 of them all."]),
        ("We have $x = 1. Then$ it ends here. Now we are all done with it.",
         ["We have $x = 1. Then$ it ends here.", "Now we are all done with it."]),
        ("A first step that is long. So 5.", ["A first step that is long. So 5."]),
        ("", []),
        ("#### 7", []),
    ],
)  # fmt: skip
def test_steps_are_sentences_outside_of_formulas(solution, steps):
    assert solution_steps(solution) == steps
