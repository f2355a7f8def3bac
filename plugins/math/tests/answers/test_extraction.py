import time

import pytest

from treewright_math.answers.extraction import MARKED, bare, boxed, find_answer, last_number, number_of_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So $\\boxed{42}$.", "42"),
        ("first \\boxed{1}, then \\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("thus \\boxed 5$", "5"),
        ("\\fbox{7}", "7"),
        ("2 + 2 = 4\n#### 4", "4"),
        ("#### 3\nmore\n#### 1,234\n", "1,234"),
        ("The answer is 71.\n", "71"),
        ("the ANSWER IS: **18**.", "18"),
        ("Answer: $x = 5$", "x = 5"),
        ("The answer is\n5", "5"),
        ("Final answer = \\(3\\)", "3"),
        ("the answer is 3; no, the answer is 4.", "4"),
    ],
)
def test_a_marked_answer_is_found(text, answer):
    assert find_answer(text, MARKED) == answer


@pytest.mark.parametrize("text", ["", "it is 5", "\\boxed{1", "\\boxed{}", "####", "answers differ"])
def test_without_a_mark_there_is_no_answer(text):
    assert find_answer(text, MARKED) is None


def test_the_first_style_that_finds_something_decides():
    text = "The answer is 1.\n#### 2\n\\boxed{3}, 4"
    assert [find_answer(text, [style]) for style in ("boxed", "hashes", "announced", "number")] == ["3", "2", "1", "4"]
    assert find_answer(text, ("announced", "boxed")) == "1"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("a 1,234.5 b", "1,234.5"),
        ("18.", "18"),
        ("costs $1,000,000.", "$1,000,000"),
        ("-3 and .5", ".5"),
        ("about 3/4 of it", "3/4"),
        ("from 10-20", "20"),
        ("x2", None),
        ("none", None),
        ("1,2", "2"),
        ("about 1.5e3", "1.5e3"),
        ("2E-4.", "2E-4"),
        ("7e is no power", "7"),
    ],
)
def test_the_last_number_of_a_text(text, number):
    assert last_number(text) == number


@pytest.mark.parametrize(
    ("answer", "number"), [("18 dollars", "18"), ("$5 + 6 = 11$", "11"), ("-$10,000", "-$10,000"), ("many", "many")]
)
def test_the_number_that_an_answer_names(answer, number):
    assert number_of_answer(answer) == number


def test_marks_around_an_answer_go_but_not_those_of_two_formulas():
    assert bare(" **$18$**. ") == "18"
    assert bare("$1$ and $2$") == "$1$ and $2$"


def test_hostile_texts_take_no_time():
    texts = ["\\boxed{" * 100_000, "{" * 10**6, "answer is " * 100_000, "1," * 500_000, "9" * 10**6, "####" * 10**5]
    texts += [f"answer is 1{'.' * 10**6}", f"answer is {' .' * 10**5}", "1" + ",234" * 250_000 + "5", "1/" * 10**6]
    begin = time.process_time()
    for text in texts:
        find_answer(text, (*MARKED, "number"))
    assert boxed(texts[0]) is None
    assert time.process_time() - begin < 10
