from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from treewright_math.answers.canonical import canonical_answer
from treewright_math.answers.plain_numbers import plain_number

SAME = [
    ["1/2", "0.50", ".5", "\\frac{1}{2}", "\\dfrac12", "$\\frac12$", "0.5."],
    ["10000", "10{,}000", "10,000", "\\$10,000", "10000.0"],
    ["90", "90^\\circ", "90^{\\circ}", "90°", "x = 90"],
    ["5", "5\\text{ cm}", "5 \\text{ cm}^2", "$x=5$"],
    ["\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\frac{\\pi}{2})", "(3,\\,\\tfrac{\\pi}{2})"],
    ["Evelyn", "\\text{Evelyn}", "\\mathrm{Evelyn}"],
    ["2\\sqrt{3}", "2\\sqrt3"],
    ["-3/4", "-\\frac{3}{4}", "\\frac{-3}{4}", "−0.75"],
    ["10%", "10\\%"],
    ["1.0e3", "1000", "1E+3", "1,000.0"],
    ["-2.5e-3", "-0.0025", "-1/400"],
]


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_spellings_of_one_answer_are_one(spellings):
    assert {canonical_answer(spelling) for spelling in spellings} == {canonical_answer(spellings[0])}


def test_different_answers_stay_different():
    kept = [spellings[0] for spellings in SAME]
    kept += ["10", "y=2x+3", "2x", "\\sqrt{8}", "[1,2)", "(1,2)", "(1,2]", "-5", "1/20"]
    assert len({canonical_answer(answer) for answer in kept}) == len(kept)


@given(some.fractions(max_denominator=10**6))
def test_a_fraction_is_read_exactly_in_both_spellings(value):
    latex = f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
    assert canonical_answer(f"{value.numerator}/{value.denominator}") == canonical_answer(latex) == str(value)


@given(some.integers(-(10**12), 10**12), some.integers(0, 6))
def test_a_decimal_is_read_exactly(digits, places):
    sign, text = "-" if digits < 0 else "", str(abs(digits)).rjust(places + 1, "0")
    written = sign + (f"{text[:-places]}.{text[-places:]}" if places else text)
    assert plain_number(written) == Fraction(digits, 10**places)


@pytest.mark.parametrize(
    "text", ["", ".", "-", "1/0", "e5", "1e", "1e9999", "2e3/4", "12,34", "5%", "9" * 401, "1_000", "½", "٣"]
)
def test_what_is_no_plain_number_is_none(text):
    assert plain_number(text) is None


@settings(max_examples=200, deadline=None)
@given(some.text(alphabet=some.characters(), max_size=60) | some.text(alphabet="\\{}$^_frac sqrt12,.=-%x", max_size=60))
def test_no_text_breaks_it(text):
    assert isinstance(canonical_answer(text), str)
    assert canonical_answer(text) == canonical_answer(f"  {text} ")


def test_long_answers_stand_for_themselves():
    assert canonical_answer("1" * 10**6) == canonical_answer("1" * 10**6) != canonical_answer("1" * 10**6 + "1")
    assert canonical_answer("\ud800" * 5000).startswith("digest:")
