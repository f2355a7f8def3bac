"""Problems are drawn, told and put into parts as the world's rules say."""

import re
from collections import Counter
from itertools import islice
from random import Random

import pytest

from treewright_math.embedded_world.facts import EVALUATION_FACTS, FORMS, Fact, is_reserved, knowledge_base
from treewright_math.embedded_world.knowledge_records import record_of, text
from treewright_math.embedded_world.phrases import HELD_OUT, SEEN
from treewright_math.embedded_world.problem import draw_problem
from treewright_math.embedded_world.quantities import chain, evaluate, forms
from treewright_math.embedded_world.recipe import DIFFICULTIES, Recipe
from treewright_math.embedded_world.solutions import solution
from treewright_math.embedded_world.step_check import check
from treewright_math.embedded_world.words import HOLDERS, OPERATIONS, UNITS

WIDE = Recipe(facts=0.4, distractors=3, largest_given=200)


def drawn(seed, count=60, recipe=WIDE, split="train", held_out=False):
    draw = Random(seed)
    return [draw_problem(recipe, draw, split, held_out=held_out) for _ in range(count)]


def test_equal_seeds_give_equal_problems_and_other_seeds_others():
    assert drawn(3, 10) == drawn(3, 10)
    assert {p.identity for p in drawn(3, 10)}.isdisjoint(p.identity for p in drawn(4, 10))


@pytest.mark.parametrize("depth", [1, 2, 4, 6])
def test_the_answer_needs_exactly_as_many_steps_as_asked_for(depth):
    for problem in drawn(5, 20, WIDE._replace(depth=(depth, depth))):
        assert len(problem.needed) == depth
        assert problem.needed[-1] == problem.target


def test_every_quantity_follows_from_earlier_ones_and_stays_in_range():
    for problem in drawn(6, 200):
        for index, quantity in enumerate(problem.quantities):
            assert 2 <= quantity.value <= 999
            if quantity.definition is not None:
                assert all(operand < index for operand in quantity.definition.operands)
                values = [problem.quantities[operand].value for operand in quantity.definition.operands]
                assert {evaluate(form) for form in forms(quantity.definition, values)} == {quantity.value}


def test_every_number_of_the_graph_stands_in_the_text_unless_a_fact_holds_it():
    for problem in drawn(7, 200):
        words = problem.text.replace(".", " ").replace(",", " ").split()
        for quantity in problem.quantities:
            if quantity.definition is None:
                assert str(quantity.value) in words
            elif quantity.definition.n and quantity.definition.fact is None:
                assert str(quantity.definition.n) in words


def test_a_problem_with_a_fact_names_it_but_does_not_say_what_it_is():
    problems = drawn(8, 40, WIDE._replace(facts=1.0))
    assert {fact.form < 0 for problem in problems for fact in problem.facts} == {True, False}
    for problem in problems:
        (fact,) = problem.facts
        assert fact.name in problem.text and fact.text not in problem.text


def test_the_parts_are_disjoint_by_the_hash_of_the_text():
    parts = {split: {p.identity for p in drawn(9, 150, split=split)} for split in ("train", "validation", "test")}
    for split in ("train", "validation", "test"):
        assert all(p.split == split for p in drawn(9, 20, split=split))
    assert not parts["train"] & parts["test"]
    assert not parts["train"] & parts["validation"]
    assert not parts["test"] & parts["validation"]


def test_the_parts_have_their_shares():
    buckets = _splits(3000)
    assert abs(buckets.count("train") / 3000 - 0.90) < 0.03
    assert abs(buckets.count("test") / 3000 - 0.06) < 0.025


def _splits(count):
    from treewright_math.embedded_world.problem import Problem

    return [Problem(f"text {number}", (), 0, ()).split for number in range(count)]


def test_held_out_patterns_are_no_seen_ones_and_use_no_new_words():
    assert SEEN.keys() == HELD_OUT.keys()
    words = {word for patterns in SEEN.values() for pattern in patterns for word in pattern.strip(".?").split()}
    words |= {word.rstrip(",.?") for word in words}
    for relation, patterns in HELD_OUT.items():
        assert not set(patterns) & set(SEEN[relation])
        for pattern in patterns:
            assert {word.strip(",.?") for word in pattern.split()} <= words, pattern


def test_every_relation_has_many_patterns_and_whole_ones_held_out():
    assert all(len(set(patterns)) == len(patterns) >= 12 for patterns in SEEN.values())
    assert all(len(set(patterns)) == len(patterns) >= 4 for patterns in HELD_OUT.values())
    sides = [{pattern for patterns in side.values() for pattern in patterns} for side in (SEEN, HELD_OUT)]
    assert sides[0].isdisjoint(sides[1])


def test_no_two_patterns_tell_different_relations_in_the_same_words():
    readings = Counter(pattern for side in (SEEN, HELD_OUT) for patterns in side.values() for pattern in patterns)
    assert set(readings.values()) == {1}


@pytest.mark.parametrize("held_out", [False, True])
def test_problems_are_told_in_patterns_of_their_phrasing_only(held_out):
    own, other = ([_matcher(p) for p in _all(side)] for side in ((HELD_OUT, SEEN) if held_out else (SEEN, HELD_OUT)))
    for problem in drawn(10, 40, WIDE._replace(joined=0.0), split="test", held_out=held_out):
        for sentence in re.findall(r"[^.?]+[.?]", problem.text):
            assert any(pattern.fullmatch(sentence.strip()) for pattern in own), sentence
            assert not any(pattern.fullmatch(sentence.strip()) for pattern in other), sentence


def _all(side):
    return [pattern for patterns in side.values() for pattern in patterns]


_PLACES = {
    "n": "[0-9]+",
    "t": "[a-z]+",
    "u": "[a-z]+",
    "s": "[a-z]+",
    "o": f"(?:{'|'.join(OPERATIONS)})",
    **dict.fromkeys("ABC", f"(?:{'|'.join(HOLDERS)})"),
}


def _matcher(pattern):
    parts = re.split(r"\{(\w)\}", pattern)
    return re.compile("".join(_PLACES[p] if i % 2 else re.escape(p) for i, p in enumerate(parts)), re.IGNORECASE)


def test_joined_sentences_hold_the_same_numbers_as_separate_ones():
    joined = drawn(13, 60, WIDE._replace(joined=1.0))
    assert any(", and " in problem.text for problem in joined)
    assert all(check(problem, solution(problem)).right for problem in joined)
    assert not any(", and " in problem.text for problem in drawn(13, 60, WIDE._replace(joined=0.0)))


def test_the_usual_solution_follows_the_order_of_the_text():
    for problem in drawn(14, 100, WIDE._replace(shuffled=1.0)):
        left = set(problem.needed)
        for index in problem.needed:
            ready = {i for i in left if left.isdisjoint(problem.quantities[i].definition.operands)}
            assert index == min(ready, key=problem.told.index)
            left.remove(index)


def test_training_never_shows_a_fact_of_the_evaluation_world():
    for problem in drawn(11, 300, WIDE._replace(facts=1.0)):
        assert not any(is_reserved(fact) for fact in problem.facts)
    for problem in drawn(12, 60, WIDE._replace(facts=1.0), split="test"):
        assert all(fact in EVALUATION_FACTS for fact in problem.facts)


def test_reserved_are_a_unit_pair_both_ways_round_and_a_definition():
    pair = EVALUATION_FACTS[0]
    assert is_reserved(pair) and is_reserved(pair._replace(k=pair.k + 1))
    assert is_reserved(Fact(pair.other, pair.name, 3))
    definition = EVALUATION_FACTS[-1]
    assert is_reserved(definition) and not is_reserved(definition._replace(form=(definition.form + 1) % len(FORMS)))


def test_the_shipped_records_are_the_evaluation_worlds_facts():
    assert list(knowledge_base()) == [record_of(fact) for fact in EVALUATION_FACTS]
    assert text().count("\n") == len(EVALUATION_FACTS) == len({record_of(fact)["id"] for fact in EVALUATION_FACTS})
    assert next(iter(islice(knowledge_base(), 1)))["content"] == "Fact: 1 blick is 5 wumps."
    assert set(UNITS) >= {fact.name for fact in EVALUATION_FACTS if fact.form < 0}


@pytest.mark.parametrize(
    ("sum_", "value"),
    [
        ("2 * 23 + 48", 94),
        ("3 + 4 * 5", 23),
        ("7 * 6 - 2", 40),
        ("84 / 7", 12),
        ("85 / 7", None),
        ("8 / 0", None),
        ("3 - 5", -2),
        ("3 +", None),
        ("3 ? 4", None),
        ("", None),
        ("²", None),
    ],
)
def test_sums_are_evaluated_exactly(sum_, value):
    assert evaluate(sum_) == value


def test_a_long_sum_shows_its_way():
    assert chain("2 * 23 + 48") == "2 * 23 + 48 = 46 + 48 = 94"
    assert chain("3 + 4 * 5") == "3 + 4 * 5 = 3 + 20 = 23"
    assert chain("3 + 4 + 5") == "3 + 4 + 5 = 7 + 5 = 12"
    assert chain("23 + 48") == "23 + 48 = 71"


def test_difficulties_rise():
    easy, medium, hard = DIFFICULTIES.values()
    assert easy.depth < medium.depth < hard.depth
    assert easy.largest_given <= medium.largest_given <= hard.largest_given
