"""Reward models that go on from what they have read."""

import pytest
from plugins.math.tests.reward_readers.test_recipes_with_heads_in_files import sprm

from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.reader import Reader
from treewright_math.reward_readers.scorer import PrmScorer

NAME = "treewright_math:data/prm"
PROBLEM = "Ann has 12 pens. Tom has 5 more pens than Ann. How many pens has Tom?"
STEPS = ["Tom has 12 + 5 = 17 pens.\n", "Ann has 12 - 5 = 7 pens.\n", "The answer is 17."]


def growing():
    return [(PROBLEM, STEPS[:count]) for count in (1, 2, 3)]


def states(reader):
    return reader._reader._backbone


def test_an_answer_that_goes_on_costs_its_new_tokens_and_scores_the_same():
    kept, fresh = Reader(NAME), Reader(NAME, cache_mib=0)
    longest = 0
    for answer in growing():
        [one], [other] = kept.read([answer]), fresh.read([answer])
        assert one.scores == pytest.approx(other.scores, abs=1e-5)
        assert one.tokens == other.tokens
        longest = one.tokens
    assert states(kept).read_tokens == longest
    assert states(fresh).read_tokens > 2 * longest


def test_answers_that_are_read_by_themselves_keep_nothing():
    reader = Reader(NAME, batch_tokens=1)
    scores = [reader.read([answer])[0].scores for answer in growing() * 2]
    assert scores[:3] == scores[3:]
    assert states(reader).reused_tokens == 0


def test_memory_below_nothing_is_refused():
    with pytest.raises(ValueError, match="cache_mib must be at least 0, not -1; 0 keeps nothing"):
        PrmScorer(model=NAME, cache_mib=-1)


def test_a_head_on_the_penultimate_layer_goes_on_from_what_was_read_too(tmp_path):
    sprm(tmp_path, words={".\n\n": 502})
    kept, fresh = (Reader(str(tmp_path), RECIPES["metastone-sprm"], cache_mib=room) for room in (512, 0))
    steps = ("He has 3 + 4.\n\n", "Check: 7 - 4 = 3.\n\n", "So 7.\n\n")
    for count in (1, 2, 3):
        [one], [other] = (reader.read([(PROBLEM, steps[:count])]) for reader in (kept, fresh))
        assert one.scores == pytest.approx(other.scores, abs=1e-5)
    assert 0 < states(kept).read_tokens < states(fresh).read_tokens
    assert states(kept).reused_tokens > 0
