"""``core/sample``: n independent answers."""

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import LEAVES, AnyWord, FailsOnB, Hash, run, value, words
from treewright.searches.sample import Sample
from treewright_registry import Key, ProposeRequest, Trajectory


def policy_words(n: int, call: int = 1) -> list[str]:
    """What the policy says to the ``call``-th request of the problem, asked directly."""
    [problem] = AnyWord().problems()
    seed = Key.root(0, "tree").child(call).seed
    request = ProposeRequest(Trajectory(problem), n, seed)
    return [LEAVES[request.key(index).seed % len(LEAVES)] for index in range(n)]


def test_best_of_1_is_the_policy_itself() -> None:
    solution, _ = run(component("search", Sample, n=1))
    assert solution.answer == policy_words(1)[0]


@pytest.mark.parametrize("n", [2, 4, 16, 64])
def test_best_of_n_is_the_policys_best_scored_answer(n: int) -> None:
    solution, trace = run(component("search", Sample, n=n), scorer=Hash)
    assert words(trace)[1:] == policy_words(n)
    assert solution.answer == max(policy_words(n), key=value)
    assert solution.score == max(map(value, policy_words(n)))
    assert solution.cost["policy"]["candidates"] == n
    assert solution.cost["scorer"]["reward_calls"] == n


def test_waves_ask_for_the_same_number_in_calls_of_at_most_a_wave() -> None:
    solution, trace = run(component("search", Sample, n=7, wave=3), scorer=Hash)
    assert solution.cost["policy"]["calls"] == 3
    # odd numbers: each wave is scored in between; a draw of its own for each wave
    assert words(trace)[1:] == [*policy_words(3, 1), *policy_words(3, 3), *policy_words(1, 5)]


def test_without_a_scorer_all_answers_count_the_same_and_the_first_is_taken() -> None:
    solution, _ = run(component("search", Sample, n=5), scorer=None)
    assert solution.answer == policy_words(5)[0]
    assert solution.score == 0.0
    assert list(solution.cost) == ["policy"]


def test_answer_whose_score_failed_is_never_chosen_while_another_has_one() -> None:
    solution, trace = run(component("search", Sample, n=24), scorer=FailsOnB)
    good = [word for word in words(trace)[1:] if not word.startswith("b")]
    assert 0 < len(good) < 24
    assert solution.answer == max(good, key=value)
    assert solution.cost["scorer"]["failed_calls"] == 24 - len(good)


@pytest.mark.parametrize(("n", "wave"), [(0, 1), (1, 0), (-3, 4)])
def test_numbers_below_one_are_refused(n: int, wave: int) -> None:
    with pytest.raises(ValueError, match=f"n and wave must be at least 1, not {n} and {wave}"):
        Sample(n=n, wave=wave)
