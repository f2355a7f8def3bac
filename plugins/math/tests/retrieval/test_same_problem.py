"""Which texts tell the same problem: the guard against leaks."""

import gzip
import json
import os
from pathlib import Path

import pytest

from treewright_math.retrieval.same_problem import problem_key, same_problem, tells_problem

AREA = "What is the area, in square units, of a triangle with sides $3$, $4$ and $\\frac{10}{2}$ that lies at $(0,3)$?"
SHORT = "Simplify $\\sqrt{245}$."
SUM = "Find the sum of all positive integers less than 100 that leave a remainder of 1 when they are divided by 3."


@pytest.mark.parametrize("problem", [AREA, SHORT, SUM])
@pytest.mark.parametrize(
    "dress",
    [
        lambda text: f"{text}\nPut your final answer within \\boxed{{}}.",
        lambda text: f"{text.removesuffix('.')} Put your final answer within \\boxed{{}}.",
        lambda text: f"{text}.",
        lambda text: f"Solve the following problem step by step: {text}",
        lambda text: f"Question: {text}\nAnswer:",
        lambda text: f'Please solve "{text}" and say how.',
        lambda text: text.upper().replace(" ", "\n  "),
        lambda text: text.replace("$", ""),
        lambda text: text.replace("(", "\\left(").replace(")", "\\right)").replace("\\frac", "\\dfrac"),
        lambda text: text.replace("{", " { ").replace(", ", " "),
    ],
)  # fmt: skip
def test_layout_and_instructions_make_no_other_problem(problem, dress):
    assert same_problem(dress(problem), problem)
    assert same_problem(problem, dress(problem))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("It costs $1,000$.", "It costs 1000"),
        ("Find $\\frac12$ of $1{,}000$", "find \\frac{1}{2} of 1000"),
        ("Is $a \\leq b$?", "is a ≤ b"),
        ("Compute $\\dbinom{16}{15}$.", "Compute $\\binom{16}{15}$"),
    ],
)
def test_one_problem_spelt_in_two_ways_has_one_key(first, second):
    assert problem_key(first) == problem_key(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (AREA, AREA.replace("3$, $4", "6$, $8")),
        (SUM, SUM.replace("100", "200")),
        (SHORT, "Simplify $\\sqrt{245}+1$."),
        ("Evaluate $\\sin 30$.", "Evaluate $\\cos 30$."),
        ("Determine the number of ways to arrange the letters of the word NINE.",
         "Determine the number of ways to arrange the letters of the word THAT."),
        ("Ann has 12 pens. Tom has 5 more pens than Ann. How many pens does Tom have?",
         "Eva has 12 pens. Max has 5 more pens than Eva. How many pens does Max have?"),
        ("", "What is 1?"),
        ("( )", "[ ]"),
    ],
)  # fmt: skip
def test_other_numbers_names_and_functions_make_another_problem(first, second):
    assert not same_problem(first, second)
    assert not same_problem(second, first)


def test_a_few_changed_words_make_no_other_problem_while_the_numbers_stay():
    changed = SUM.replace("Find the sum", "Compute the sum")
    assert same_problem(changed, SUM)
    assert not same_problem(changed.replace("100", "300"), SUM)


def test_texts_without_a_word_are_compared_sign_by_sign():
    assert same_problem("(?)", " (?) ")
    assert not same_problem("(?)", "(??)")
    assert not same_problem("", "")


def test_a_record_of_any_form_tells_its_problem():
    asked = f"{AREA} Answer with one number."
    for record in (f"Problem: {AREA}\nSolution: It is 6.", f"Q: {AREA}\nA: 6", f"{asked} It is 6."):
        assert tells_problem(record, asked)
    other = AREA.replace("4", "5")
    assert not tells_problem(f"Problem: {other}\nSolution: It is not 4, but 6.", AREA)
    assert not tells_problem("A blick is 5 wumps.", "A blick is 5 wumps. Ann has 2 blicks. How many wumps is that?")


@pytest.mark.parametrize("text", ["1 " * 50_000, "$" * 50_000, "\\frac" * 20_000, "Problem:" * 20_000, "a. " * 30_000])
def test_long_hostile_texts_are_read(text):
    assert same_problem(text, text)
    assert tells_problem(text, "Simplify $\\sqrt{245}$.") is False


@pytest.mark.skipif("TREEWRIGHT_DATA" not in os.environ, reason="needs the development data")
def test_no_pool_problem_with_an_instruction_is_taken_for_another():
    file = Path(os.environ["TREEWRIGHT_DATA"]) / "math" / "math_pool_4500.jsonl.gz"
    pool = [json.loads(line)["problem"] for line in gzip.decompress(file.read_bytes()).splitlines()[:300]]
    asked = [f"{problem}\nPut your final answer within \\boxed{{}}." for problem in pool]
    same = {(a, b) for a, text in enumerate(asked) for b, record in enumerate(pool) if same_problem(text, record)}
    near = {(58, 253), (253, 58)}  # 58: x² + 4x + 5 "in the form a(x − h)² + k, then what is h?", 253: … "what is k?"
    near |= {(216, 297), (297, 216)}  # indeed the same: "What is the value of …?", "Calculate: …"
    assert {(number, number) for number in range(300)} <= same <= {(number, number) for number in range(300)} | near
