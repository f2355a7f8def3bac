"""Reward models that go on from what they have read."""

import pytest

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
