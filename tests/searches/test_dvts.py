"""``core/dvts``: independent greedy subtrees."""

from collections.abc import Sequence

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import DEPTH, LETTERS, AllChildren, FailsOnB, Hash, run, value, words
from treewright.searches.dvts import Dvts
from treewright_registry import Proposals, ProposeRequest

SEEDS = range(6)


def greedy_prefix(seed: int) -> str:
    word = ""
    for _ in range(DEPTH - 1):
        word = max((word + letter for letter in LETTERS), key=lambda child: value(child, seed))
    return word


@pytest.mark.parametrize("seed", SEEDS)
def test_all_candidates_of_the_last_round_are_offered_best_first(seed: int) -> None:
    solution, _ = run(component("search", Dvts, n=3, branch=3), scorer=Hash, seed=seed)
    last = sorted((greedy_prefix(seed) + letter for letter in LETTERS), key=lambda word: -value(word, seed))
    assert [solution.answer, *(runner["answer"] for runner in solution.runners_up)] == last


def test_subtrees_are_n_over_m_and_exchange_nothing() -> None:
    one, _ = run(component("search", Dvts, n=3, branch=3), scorer=Hash)
    two, trace = run(component("search", Dvts, n=6, branch=3), scorer=Hash)
    assert two.answer == one.answer  # this policy draws nothing: both subtrees are the same
    assert two.cost["policy"]["candidates"] == 2 * one.cost["policy"]["candidates"] == 2 * 3 * DEPTH
    assert two.cost["policy"]["calls"] == 2 * DEPTH
    assert words(trace).count(greedy_prefix(0)) == 2


class EndsOnA(AllChildren):
    """The letter a ends every answer; a whole word is asked for as such."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        answers = super().propose(requests)
        return [
            Proposals([step._replace(finish="stop") if step.content == "a" else step for step in each.steps])
            for each in answers
        ]


def test_unfinished_candidates_of_a_last_round_are_written_to_their_end() -> None:
    seed = next(seed for seed in range(100) if value("a", seed) > max(value("b", seed), value("c", seed)))
    solution, trace = run(component("search", Dvts, n=3, branch=3), scorer=Hash, policy=EndsOnA, seed=seed)
    answers = [solution.answer, *(runner["answer"] for runner in solution.runners_up)]
    assert sorted(str(answer)[0] for answer in answers) == ["a", "b", "c"]
    assert solution.cost["policy"]["candidates"] == 3 + 2
    assert len(trace) == 1 + 3 + 2


def test_last_allowed_step_goes_to_the_end() -> None:
    solution, trace = run(component("search", Dvts, n=4, branch=4, depth=1), scorer=Hash)
    assert solution.error is None
    assert sorted(map(len, words(trace))) == [0, DEPTH, DEPTH, DEPTH, DEPTH]


def test_subtree_whose_every_score_failed_ends_and_the_others_go_on() -> None:
    solution, trace = run(component("search", Dvts, n=3, branch=3), scorer=FailsOnB)
    assert not str(solution.answer).startswith("b")
    assert [word for word in words(trace) if word.startswith("b")] == ["b"]


@pytest.mark.parametrize(("n", "branch", "message"), [(5, 4, "n must be a multiple of branch"), (0, 1, "at least 1")])
def test_numbers_that_make_no_subtrees_are_refused(n: int, branch: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Dvts(n=n, branch=branch)
