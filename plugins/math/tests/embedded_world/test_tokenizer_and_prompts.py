"""Text makes the round trip, the prompt is what the language policies render, the vocabulary is that of the world."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treewright_language.checkpoints import load_tokenizer
from treewright_language.conversation import messages_of
from treewright_math.embedded_world import tokenizer as tokenizer_files
from treewright_math.embedded_world.examples import Mixture, draw_spans, encode_spans
from treewright_math.embedded_world.problem import draw_problem
from treewright_math.embedded_world.prompts import (
    IM_END,
    STEP_MARK,
    fact_record,
    prompt,
    step_record,
    worked_record,
)
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.solutions import solution
from treewright_registry import Context, Hit, Key, Problem, ProposeRequest, Trajectory


@pytest.fixture(scope="module")
def plain():
    return tokenizer_files.build()


@pytest.fixture(scope="module")
def loaded(plain, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer_files.write(plain, folder)
    return load_tokenizer(str(folder))


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_makes_the_round_trip(plain, text):
    assert plain.decode(plain.encode(text).ids, skip_special_tokens=False) == text


def test_digits_and_line_ends_are_tokens_of_their_own(plain):
    assert plain.encode("Tom has 234 apples.\n").tokens == ["Tom", "Ġhas", "Ġ2", "3", "4", "Ġapples", ".", "Ċ"]
    assert plain.encode("\n\n").tokens == ["Ċ", "Ċ"]


def test_the_loaded_tokenizer_is_the_one_that_was_built(plain, loaded):
    text = prompt("Tom has 2 apples.", ["Fact: 1 blick is 5 wumps."]) + "Größe 12" + IM_END
    assert loaded(text).input_ids == plain.encode(text).ids
    assert len(loaded) == plain.get_vocab_size() == 508
    assert loaded.eos_token == IM_END
    assert loaded.convert_tokens_to_ids(STEP_MARK) == plain.token_to_id(STEP_MARK)


@pytest.mark.parametrize("held_out", [False, True])
def test_every_word_of_the_world_is_one_token_in_both_phrasings(plain, held_out):
    draw = Random(2)
    for _ in range(150):
        problem = draw_problem(Recipe(facts=0.5, distractors=2), draw, "test", held_out=held_out)
        for text in (problem.text, solution(problem)):
            spelt = [t for t in plain.encode(text).tokens if len(t) == 1 and t.isalpha() and t not in "ab"]
            assert set(spelt) <= {"Ġ", "Ċ"}, text


def test_the_prompt_is_what_a_language_policy_renders(loaded):
    records = ["Fact: 1 blick is 5 wumps.", worked_record("Tom has …?", "Tom has 1 + 1 = 2 apples."), step_record("x")]
    for hits in ([], records):
        found = tuple(Hit(str(number), record, 1.0) for number, record in enumerate(hits))
        trajectory = Trajectory(Problem("p", "Ann has 2 apples."))
        request = ProposeRequest(trajectory, 1, 0, context=Context(hits=found))
        messages = messages_of(request, "", None, None)
        rendered = loaded.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert rendered == prompt("Ann has 2 apples.", hits)


def test_an_example_is_the_prompt_followed_by_the_solution_and_its_end(plain):
    mixture = Mixture(records=(0, 0, 0.5, 0.5), facts=0.5)
    for number in range(20):
        spans = draw_spans(Key.root(1, number), mixture)
        text = "".join(span.text for span in spans)
        ids, learnt = encode_spans(spans, lambda piece: plain.encode(piece, add_special_tokens=False).ids)
        assert ids == plain.encode(text).ids
        said = plain.decode([i for i, taken in zip(ids, learnt, strict=True) if taken], skip_special_tokens=False)
        assert said.endswith(IM_END) and said.count("The answer is") == text.count("The answer is")
        assert "Problem" not in said and "user" not in said


def test_examples_hold_the_facts_they_need():
    for number in range(60):
        spans = draw_spans(Key.root(2, number), Mixture(facts=1.0))
        text = "".join(span.text for span in spans)
        assert fact_record("").strip() in text


def test_examples_are_the_same_for_the_same_key_and_some_are_long(plain):
    assert draw_spans(Key.root(3, 1), Mixture()) == draw_spans(Key.root(3, 1), Mixture())
    spans = draw_spans(Key.root(3, 2), Mixture(long=1.0))
    assert sum(span.learnt for span in spans) >= 2
