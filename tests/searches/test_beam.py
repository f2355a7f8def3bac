"""``core/beam``: keep the best partial answers."""

from collections.abc import Sequence

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import (
    DEPTH,
    LEAVES,
    LETTERS,
    AllChildren,
    FailsOnB,
    Foresight,
    Hash,
    best_below,
    run,
    value,
    words,
)
from treewright.searches.beam import Beam
from treewright_registry import Proposals, ProposeRequest, Step

SEEDS = range(8)


def beam_by_hand(width: int, seed: int) -> tuple[str, list[str]]:
    """The answer and the survivors of each level, from the definition."""
    alive, survivors = [""], []
    for _ in range(DEPTH - 1):
        children = [word + letter for word in alive for letter in LETTERS]
        alive = sorted(children, key=lambda word: value(word, seed), reverse=True)[:width]
        survivors += alive
    return max((word + letter for word in alive for letter in LETTERS), key=lambda w: value(w, seed)), survivors


@pytest.mark.parametrize("seed", SEEDS)
def test_width_1_is_the_greedy_choice_of_each_step(seed: int) -> None:
    word = ""
    for _ in range(DEPTH):
        word = max((word + letter for letter in LETTERS), key=lambda child: value(child, seed))
    solution, _ = run(component("search", Beam, width=1, branch=3), scorer=Hash, seed=seed)
    assert solution.answer == word


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", SEEDS)
def test_answer_and_expanded_nodes_follow_the_definition(width: int, seed: int) -> None:
    solution, trace = run(component("search", Beam, width=width, branch=3), scorer=Hash, seed=seed)
    answer, survivors = beam_by_hand(width, seed)
    assert solution.answer == answer
    paths = words(trace)
    expanded = {paths[parent] for parent in trace.parents if parent > 0}
    assert expanded == set(survivors)


@pytest.mark.parametrize("seed", SEEDS)
def test_beam_as_wide_as_the_tree_finds_the_best_leaf_whatever_the_scorer_says_before(seed: int) -> None:
    solution, trace = run(component("search", Beam, width=27, branch=3), scorer=Hash, seed=seed)
    assert solution.answer == max(LEAVES, key=lambda leaf: value(leaf, seed))
    assert len(trace) == 1 + 3 + 9 + 27


@pytest.mark.parametrize("seed", SEEDS)
def test_width_1_finds_the_best_leaf_with_a_scorer_of_perfect_foresight(seed: int) -> None:
    solution, _ = run(component("search", Beam, width=1, branch=3), scorer=Foresight, seed=seed)
    assert solution.answer == max(LEAVES, key=lambda leaf: value(leaf, seed))
    assert solution.score == best_below("", seed)


@pytest.mark.parametrize(("width", "branch", "first"), [(3, 1, "abc"), (2, 1, "ab"), (1, 2, "ab"), (1, 3, "abc")])
def test_first_round_draws_as_many_steps_as_the_wider_of_width_and_branch(width: int, branch: int, first: str) -> None:
    _, trace = run(component("search", Beam, width=width, branch=branch))
    assert [word for word in words(trace) if len(word) == 1] == list(first)


def test_later_rounds_draw_branch_steps_for_each_of_the_beam() -> None:
    _, trace = run(component("search", Beam, width=3, branch=1))
    assert sorted(words(trace)) == ["", "a", "aa", "aaa", "b", "ba", "baa", "c", "ca", "caa"]


def test_narrow_beam_with_a_blind_scorer_misses_the_best_leaf_of_some_trees() -> None:
    missed = 0
    for seed in SEEDS:
        solution, _ = run(component("search", Beam, width=1, branch=3), scorer=Hash, seed=seed)
        missed += solution.answer != max(LEAVES, key=lambda leaf: value(leaf, seed))
    assert missed > 0  # else the tests above would pass with any beam


def test_partial_answer_whose_score_failed_is_never_extended() -> None:
    solution, trace = run(component("search", Beam, width=27, branch=3), scorer=FailsOnB)
    good = [leaf for leaf in LEAVES if not leaf.startswith("b")]
    assert solution.answer == max(good, key=value)
    assert [word for word in words(trace) if word.startswith("b")] == ["b"]


@pytest.mark.parametrize("depth", [1, 2])
def test_last_allowed_step_goes_to_the_end(depth: int) -> None:
    """Else a depth below the answers' length would end without any."""
    solution, trace = run(component("search", Beam, width=2, branch=3, depth=depth))
    lengths = sorted(map(len, words(trace)))
    assert lengths == ([0] + [DEPTH] * 3 if depth == 1 else [0] + [1] * 3 + [DEPTH] * 6)
    assert solution.error is None


def test_depth_equal_to_the_answers_length_is_enough() -> None:
    solution, _ = run(component("search", Beam, width=2, branch=3, depth=DEPTH))
    assert solution.error is None


class Twins(AllChildren):
    """Proposes each letter twice."""

    def _steps(self, request: ProposeRequest) -> list[Step]:
        steps = super()._steps(request)
        return [step for step in steps for _ in range(2)][: request.n]


@pytest.mark.parametrize(("dedupe", "judged"), [(True, 3 + 9 + 9), (False, 6 + 18 + 18)])
def test_equal_partial_answers_are_judged_once_with_dedupe(dedupe: bool, judged: int) -> None:
    search = component("search", Beam, width=3, branch=6, dedupe=dedupe)
    solution, _ = run(search, scorer=Foresight, policy=Twins)
    assert solution.cost["scorer"]["reward_calls"] == judged


class EndsEarly(AllChildren):
    """The letter a ends every answer."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        answers = super().propose(requests)
        return [
            Proposals([step._replace(finish="stop") if step.content == "a" else step for step in each.steps])
            for each in answers
        ]


def test_finished_answers_leave_the_beam_and_free_their_place() -> None:
    solution, trace = run(component("search", Beam, width=2, branch=3), scorer=Hash, policy=EndsEarly)
    paths = words(trace)
    expanded = {paths[parent] for parent in trace.parents if parent >= 0}
    assert not any(word.endswith("a") for word in expanded)
    assert {"b", "c"} <= expanded  # both places are filled at the first level, though a was judged too
    finished = [word for word in paths if word.endswith("a") or len(word) == DEPTH]
    assert solution.answer == max(finished, key=value)


@pytest.mark.parametrize(("width", "branch", "depth"), [(0, 4, 4), (4, 0, 4), (4, 4, 0)])
def test_numbers_below_one_are_refused(width: int, branch: int, depth: int) -> None:
    message = f"width, branch and depth must be at least 1, not {width}, {branch}, {depth}"
    with pytest.raises(ValueError, match=message):
        Beam(width=width, branch=branch, depth=depth)


def test_beam_declares_that_it_needs_a_scorer_of_partial_answers() -> None:
    assert Beam.needs["scorer"].capabilities == {"partial"}
    assert not Beam.needs["scorer"].optional
