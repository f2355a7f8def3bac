"""Which texts tell the same problem: the guard against leaks."""

import gzip
import json
import os
import time
import tracemalloc
from pathlib import Path

import pytest

from treewright_math.retrieval.same_problem import problem_key, reading, same_problem, tells_problem

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
        ("Find $x^2$.", "Find x²."),
        ("Find $x^{-10}y$.", "Find x⁻¹⁰y."),
        ("Find $a_1 + a_{n}$.", "Find a₁ + aₙ."),
        ("Find $\\frac12$ of $x$", "Find ½ of 𝑥"),
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
        ("Find x².", "Find x2."),
        ("Find 2³.", "Find 23."),
        ("", "What is 1?"),
        ("( )", "[ ]"),
    ],
)  # fmt: skip
def test_other_numbers_names_and_functions_make_another_problem(first, second):
    assert not same_problem(first, second)
    assert not same_problem(second, first)


@pytest.mark.parametrize("short", ["Find x.", "What is the value of $x$?", "Find $x_1$."])
@pytest.mark.parametrize(
    "story",
    [
        "In triangle ABC the angle at B is 30 degrees and the angle at C is x degrees.",
        "Ann meets Bob on the way to the market and gives him some of her apples, which we call x.",
    ],
)
def test_a_short_question_is_not_every_problem_that_ends_with_it(short, story):
    long = f"{story} {short}"
    assert not same_problem(short, long)
    assert not same_problem(long, short)
    assert not tells_problem(f"Problem: {long}\nSolution: It is 60.", short)
    assert same_problem(f"Please reason step by step. {short} Put your final answer within \\boxed{{}}.", short)
    assert tells_problem(f"{short} It is 60, as 30 + 30 = 60.", short)


def test_a_short_problem_with_numbers_to_tell_it_by_is_known_behind_anything():
    assert same_problem("Problem 17, of 2 points. What is 12 + 30?", "What is 12 + 30?")


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


def test_texts_of_any_length_take_milliseconds_and_little_memory():
    """0.04 s a pair where this was written; reading them to the end took 2.4 s."""
    words = "a b c 1 " * 200_000
    began = time.process_time()
    assert same_problem(words, f"{words} z")
    assert not same_problem(f"{words} Find the area.", "Find the area of all 3 of them, if one of them is 5 by 7.")
    assert not tells_problem(words, SUM)
    assert time.process_time() - began < 1.0
    tracemalloc.start()
    for number in range(200):
        reading(" ".join(f"{number} {place}" for place in range(2000)))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 64e6


def test_a_problem_in_the_middle_of_a_long_record_is_found_word_by_word():
    record = f"{'no word of it ' * 5000}\n{SUM}\n{'nor here ' * 5000}"
    assert tells_problem(record, SUM)
    assert not tells_problem(record, SUM.replace("100", "200"))


def test_long_problems_that_differ_in_the_middle_have_two_keys():
    long = "a b c " * 10_000
    assert problem_key(f"{long} 1 {long}") == problem_key(f"{long} 1\n{long}")
    assert problem_key(f"{long} 1 {long}") != problem_key(f"{long} 2 {long}")


@pytest.mark.skipif("TREEWRIGHT_DATA" not in os.environ, reason="needs the development data")
def test_no_pool_problem_with_an_instruction_is_taken_for_another():
    file = Path(os.environ["TREEWRIGHT_DATA"]) / "math" / "math_pool_4500.jsonl.gz"
    pool = [json.loads(line)["problem"] for line in gzip.decompress(file.read_bytes()).splitlines()[:300]]
    asked = [f"{problem}\nPut your final answer within \\boxed{{}}." for problem in pool]
    same = {(a, b) for a, text in enumerate(asked) for b, record in enumerate(pool) if same_problem(text, record)}
    near = {(58, 253), (253, 58)}  # 58: x² + 4x + 5 "in the form a(x − h)² + k, then what is h?", 253: … "what is k?"
    near |= {(216, 297), (297, 216)}  # indeed the same: "What is the value of …?", "Calculate: …"
    assert {(number, number) for number in range(300)} <= same <= {(number, number) for number in range(300)} | near
