"""Lookahead: a step is judged by its greedy continuation, which is then thrown away."""

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import DEPTH, LETTERS, Hash, run, value
from treewright.searches.beam import Beam
from treewright.searches.dvts import Dvts

SEEDS = range(6)


def chosen_by_hand(lookahead: int, seed: int) -> str:
    """Greedy choice of each step by the value of the word continued by a's (what the policy proposes first)."""
    word = ""
    for _ in range(DEPTH):
        children = [word + letter for letter in LETTERS]
        word = max(children, key=lambda child: value((child + "a" * lookahead)[:DEPTH], seed))
    return word


@pytest.mark.parametrize("search", [(Beam, {"width": 1}), (Dvts, {"n": 3})], ids=["beam", "dvts"])
@pytest.mark.parametrize("lookahead", [0, 1, 2, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_steps_are_chosen_by_the_value_of_their_continuation(search, lookahead: int, seed: int) -> None:
    cls, options = search
    spec = component("search", cls, branch=3, lookahead=lookahead, **options)
    solution, _ = run(spec, scorer=Hash, seed=seed)
    assert solution.answer == chosen_by_hand(lookahead, seed)
    assert solution.score == value(str(solution.answer), seed)  # the answer's own score, not a continuation's


def test_lookahead_makes_a_difference() -> None:
    assert len({tuple(chosen_by_hand(k, seed) for seed in SEEDS) for k in (0, 1, 2)}) == 3


@pytest.mark.parametrize("cls", [Beam, Dvts])
def test_continuations_are_thrown_away_and_cost_candidates(cls: type) -> None:
    options = {"width": 1} if cls is Beam else {"n": 3}
    plain, _ = run(component("search", cls, branch=3, **options), scorer=Hash)
    ahead, _ = run(component("search", cls, branch=3, lookahead=9, **options), scorer=Hash)
    assert plain.cost["policy"]["candidates"] == 3 * DEPTH
    assert ahead.cost["policy"]["candidates"] == 3 * DEPTH + 3 * 2 + 3 * 1  # two further steps, then one, then none
    assert plain.cost["scorer"]["reward_calls"] == ahead.cost["scorer"]["reward_calls"] == 3 * DEPTH


@pytest.mark.parametrize("cls", [Beam, Dvts])
def test_negative_lookahead_is_refused(cls: type) -> None:
    with pytest.raises(ValueError, match="lookahead"):
        cls(lookahead=-1)
