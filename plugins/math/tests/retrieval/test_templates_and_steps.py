"""Templates by rule, and solutions cut into steps."""

import gzip
import json
import os
from pathlib import Path

import pytest

from treewright_math.retrieval.solution_steps import solution_steps
from treewright_math.retrieval.templates import masked_template, overlap, pairs_of, template_of


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


def test_problems_that_differ_in_numbers_and_names_alone_have_one_masked_template():
    masked = masked_template("Then Ann has 12 more than Ben, 7.")
    assert masked == masked_template("Then Eva has 5 more than Max, 81.") == "then x has # more than x #"
    assert masked_template(masked) == masked
    assert masked_template("Then Ann has 12 fewer than Ben, 7.") != masked


@pytest.mark.parametrize(
    ("solution", "steps"),
    [
        ("He has 2*3=<<2*3=6>>6 apples now.\nSo she has 12 of them all.\n#### 12",
         ["He has 2*3=6 apples now.", "So she has 12 of them all."]),
        ("We have $x = 1. Then$ it ends here. Now we are all done with it.",
         ["We have $x = 1. Then$ it ends here.", "Now we are all done with it."]),
        ("A first step that is long. So 5.", ["A first step that is long. So 5."]),
        ("Let us draw it first.\n[asy]\nsize(100);\ndraw((0,0)--(1,1));\n[/asy]\nThe diagonal has length $\\sqrt{2}$.",
         ["Let us draw it first.", "The diagonal has length $\\sqrt{2}$."]),
        ("We have that\n\\begin{align*}\n2x &= 4. \\\\\nx &= 2.\n\\end{align*}\nTherefore, the sum of both is 6.",
         ["We have that \\begin{align*} 2x &= 4. \\\\ x &= 2. \\end{align*}", "Therefore, the sum of both is 6."]),
        ("Adding them up gives\n\\[x + y = 12.\\]Hence the answer is $12$,\nwhich is even.",
         ["Adding them up gives \\[x + y = 12.\\]", "Hence the answer is $12$, which is even."]),
        ("Dr. Smith has 12 patients today. Each pays 5.", ["Dr. Smith has 12 patients today. Each pays 5."]),
        ("We have that $x = 2.$  Then the sum of all is $4.$",
         ["We have that $x = 2.$", "Then the sum of all is $4.$"]),
        ("The area of $\\triangle\nABC$ is one half of $10$.", ["The area of $\\triangle ABC$ is one half of $10$."]),
        ("It costs $5 for one of them\nand for two of them $9.",
         ["It costs $5 for one of them and for two of them $9."]),
        ("She earns 3*5=$15 on Monday\nHe earns 2*5=$10 on Tuesday", ["She earns 3*5=$15 on Monday",
         "He earns 2*5=$10 on Tuesday"]),
        ("So:\nthe first of them is red.", ["So: the first of them is red."]),
        ("", []),
        ("#### 7", []),
        ("[asy]draw((0,0));", []),
    ],
)  # fmt: skip
def test_steps_are_sentences_outside_of_formulas(solution, steps):
    assert solution_steps(solution) == steps


@pytest.mark.parametrize(
    "text", ["\\[" * 5000, "\\begin{a}" * 2000, "$" * 20_000, "[asy]" * 5000, ". " * 20_000, "\0d7\0"]
)
def test_hostile_solutions_are_cut_too(text):
    assert isinstance(solution_steps(text), list)


@pytest.mark.skipif("TREEWRIGHT_DATA" not in os.environ, reason="needs the development data")
def test_steps_of_math_hold_no_drawings_and_no_parts_of_environments():
    file = Path(os.environ["TREEWRIGHT_DATA"]) / "math" / "math_pool_4500.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()[:1000]]
    steps = [step for row in rows for step in solution_steps(row["solution"])]
    assert not [step for step in steps if "[asy]" in step or "draw(" in step]
    assert not [step for step in steps if step.count("\\begin{") != step.count("\\end{")]
    assert not [step for step in steps if len(step) < 20]
