"""``core/mcts``: selection, back-up and closing of branches, against an independent implementation."""

from collections.abc import Sequence
from math import exp, inf, nan

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import (
    LEAVES,
    AllChildren,
    FailsOnB,
    Foresight,
    Hash,
    run,
    value,
    words,
)
from tests.searches.slow_mcts import SlowMcts
from treewright.searches.mcts import Mcts
from treewright.searches.mcts_rules import Uct
from treewright_registry import Problem, Proposals, ProposeRequest, Score, ScoreRequest, Step, Trajectory

SEEDS = range(10)


@pytest.mark.parametrize("iterations", [1, 2, 5, 9, 13])
@pytest.mark.parametrize("rule", ["uct", "puct"])
@pytest.mark.parametrize("seed", SEEDS)
def test_nodes_and_visits_equal_those_of_the_slow_implementation(rule: str, seed: int, iterations: int) -> None:
    search = component("search", Mcts, branch=3, rule=rule, iterations=iterations)
    _, trace = run(search, scorer=Hash, seed=seed)
    expected = SlowMcts(rule, seed).run(iterations)
    assert list(zip(words(trace), trace.visits, strict=True)) == list(expected.items())


@pytest.mark.parametrize(("rule", "options"), [("uct", {"exploration": 0.1}), ("puct", {"c_init": 8.0})])
@pytest.mark.parametrize("seed", SEEDS)
def test_constants_of_the_rules_are_those_given(rule: str, options: dict[str, float], seed: int) -> None:
    search = component("search", Mcts, branch=3, rule=rule, iterations=6, **options)
    _, trace = run(search, scorer=Hash, seed=seed)
    expected = SlowMcts(rule, seed, **options).run(6)
    assert list(zip(words(trace), trace.visits, strict=True)) == list(expected.items())


def test_rules_and_constants_make_a_difference() -> None:
    variants = [("uct", {}), ("uct", {"exploration": 0.1}), ("puct", {}), ("puct", {"c_init": 8.0})]
    found = {
        tuple(tuple(SlowMcts(rule, seed, **options).run(6).items()) for seed in SEEDS) for rule, options in variants
    }
    assert len(found) == 4  # else the comparisons above could not tell them apart


@pytest.mark.parametrize("rule", ["uct", "puct"])
@pytest.mark.parametrize("seed", SEEDS)
def test_exhausted_tree_ends_the_search_with_its_best_leaf_and_no_node_expanded_twice(rule: str, seed: int) -> None:
    solution, trace = run(component("search", Mcts, branch=3, rule=rule), scorer=Hash, seed=seed)
    assert solution.answer == max(LEAVES, key=lambda leaf: value(leaf, seed))
    assert solution.cost["policy"]["calls"] == 1 + 3 + 9
    assert sorted(words(trace)) == sorted({leaf[:length] for leaf in LEAVES for length in range(4)})


@pytest.mark.parametrize("seed", SEEDS)
def test_finished_leaves_are_visited_exactly_once(seed: int) -> None:
    _, trace = run(component("search", Mcts, branch=3), scorer=Hash, seed=seed)
    visits = dict(zip(words(trace), trace.visits, strict=True))
    assert {visits[leaf] for leaf in LEAVES} == {1}
    assert visits[""] == 3 + 9 + 27


class Flat(Hash):
    """All nodes are equally good."""

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [Score(0.5) for _ in requests]


def test_ties_go_to_the_child_proposed_first() -> None:
    _, trace = run(component("search", Mcts, branch=3, iterations=4), scorer=Flat)
    assert words(trace) == ["", "a", "b", "c", "aa", "ab", "ac", "ba", "bb", "bc", "ca", "cb", "cc"]


class Doubled(Foresight):
    """The same order in another declared range."""

    range = (-3.0, 5.0)

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [Score(8 * score.value - 3) for score in super().score(requests)]


def test_declared_range_is_scaled_so_that_the_exploration_constant_keeps_its_meaning() -> None:
    trees = []
    for scorer in (Foresight, Doubled):
        _, trace = run(component("search", Mcts, branch=3, iterations=7), scorer=scorer)
        trees.append((words(trace), list(trace.visits)))
    assert trees[0] == trees[1]


def test_child_whose_score_failed_is_closed_and_never_chosen() -> None:
    solution, trace = run(component("search", Mcts, branch=3), scorer=FailsOnB)
    assert [word for word in words(trace) if word.startswith("b")] == ["b"]
    assert solution.answer == max((leaf for leaf in LEAVES if leaf[0] != "b"), key=value)


def test_depth_closes_deeper_branches_and_ends_the_search() -> None:
    solution, trace = run(component("search", Mcts, branch=3, depth=2), scorer=Hash)
    assert sorted(map(len, words(trace))) == [0, *[1] * 3, *[2] * 9]
    assert solution.error == ("the search ended without a finished answer; allow more depth, samples or tokens")


class NothingBelowA(AllChildren):
    """Has no idea how to go on from a."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        answers = super().propose(requests)
        return [
            Proposals([]) if request.trajectory.text == "a" else answer
            for request, answer in zip(requests, answers, strict=True)
        ]


def test_node_that_the_policy_cannot_extend_is_closed_and_tried_once() -> None:
    solution, trace = run(component("search", Mcts, branch=3), scorer=Hash, policy=NothingBelowA)
    assert [word for word in words(trace) if word.startswith("a")] == ["a"]
    assert solution.cost["policy"]["calls"] == 1 + 3 + 6
    assert solution.answer == max((leaf for leaf in LEAVES if leaf[0] != "a"), key=value)


class Mute(AllChildren):
    """Tells no log-probabilities."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [
            Proposals([step._replace(log_probability=None) for step in answer.steps])
            for answer in super().propose(requests)
        ]


def test_puct_refuses_steps_without_log_probabilities_and_uct_does_without() -> None:
    puct, _ = run(component("search", Mcts, branch=3, rule="puct"), policy=Mute)
    uct, _ = run(component("search", Mcts, branch=3, rule="uct"), policy=Mute)
    assert puct.error == "rule 'puct' needs a policy whose steps carry log-probabilities; use 'uct'"
    assert uct.error is None


@pytest.mark.parametrize("budget", [3, 4, 10, 20, 38])
def test_budget_that_ends_the_search_leaves_visits_in_the_trace(budget: int) -> None:
    solution, trace = run(component("search", Mcts, branch=3), scorer=Hash, budget={"candidates": budget})
    assert solution.cost["policy"]["candidates"] == budget
    assert trace.visits[0] == budget - ("last_word" in trace.notes)  # a last word is no simulation


@pytest.mark.parametrize(("branch", "depth"), [(0, 3), (3, 0)])
def test_numbers_below_one_are_refused(branch: int, depth: int) -> None:
    with pytest.raises(ValueError, match=f"branch and depth must be at least 1, not {branch} and {depth}"):
        Mcts(branch=branch, depth=depth)


def test_score_priors_are_the_softmax_of_the_scores_however_large_they_are() -> None:
    steps = [Trajectory(Problem("p", "")).extend(Step(letter)) for letter in "ab"]
    priors = Uct(1.0, True).priors
    shares = [1 / (1 + exp(-1.0)), exp(-1.0) / (1 + exp(-1.0))]
    for offset in (0.0, 900.0, -900.0, 1e6):
        assert priors(steps, [offset + 1.0, offset]) == pytest.approx(shares, rel=1e-12)
    assert priors(steps, [900.0, -900.0]) == [1.0, 0.0]
    assert priors(steps, [900.0, nan]) == [1.0, 0.0]
    assert priors(steps, [nan, nan]) == priors(steps, [inf, 0.0]) == priors(steps, [-inf, -inf]) == [1.0, 1.0]


class Huge(Hash):
    """Scores without bounds."""

    range = (-inf, inf)

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [score._replace(value=900.0 + score.value) for score in super().score(requests)]


def test_scores_without_bounds_as_priors_end_no_problem() -> None:
    solution, trace = run(component("search", Mcts, branch=3, prior="scores", iterations=13), scorer=Huge)
    assert (solution.error, trace.visits[0]) == (None, 3 + 9 + 27)


# -- several leaves a round ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first_visits", ["together", "one-by-one"])
@pytest.mark.parametrize("leaves", [1, 2, 4, 9])
@pytest.mark.parametrize("seed", range(4))
def test_whole_tree_is_searched_once_whatever_the_number_of_leaves_a_round(
    first_visits: str, leaves: int, seed: int
) -> None:
    search = component("search", Mcts, branch=3, leaves=leaves, first_visits=first_visits)
    solution, trace = run(search, scorer=Hash, seed=seed)
    assert solution.answer == max(LEAVES, key=lambda leaf: value(leaf, seed))
    assert solution.cost["policy"]["candidates"] == 3 + 9 + 27
    assert sorted(words(trace)) == sorted({leaf[:length] for leaf in LEAVES for length in range(4)})
    visits = dict(zip(words(trace), trace.visits, strict=True))
    assert {visits[leaf] for leaf in LEAVES} == {1}  # no virtual visit is left behind
    assert visits[""] == 3 + 9 + 27


def test_leaves_of_a_round_are_proposed_for_in_one_call_each_and_look_elsewhere() -> None:
    _, one = run(component("search", Mcts, branch=3, iterations=4), scorer=Flat)
    solution, two = run(component("search", Mcts, branch=3, iterations=4, leaves=3), scorer=Flat)
    assert words(two) == words(one)  # nothing is better than anything: the same three leaves, at once
    assert solution.cost["policy"]["calls"] == 4
    assert solution.cost["scorer"]["reward_calls"] == 12


def test_virtual_loss_decides_how_far_leaves_of_a_round_look_elsewhere() -> None:
    trees = set()
    for loss in (0, 1, 10):
        search = component("search", Mcts, branch=3, leaves=3, virtual_loss=loss, iterations=7, exploration=0.3)
        trees.add(tuple(tuple(words(run(search, scorer=Hash, seed=seed)[1])) for seed in SEEDS))
    assert len(trees) == 3


@pytest.mark.parametrize("leaves", [1, 4])
@pytest.mark.parametrize("budget", [2, 5, 11, 38])
def test_budget_that_ends_a_round_leaves_no_virtual_visits(budget: int, leaves: int) -> None:
    search = component("search", Mcts, branch=3, leaves=leaves)
    _, trace = run(search, scorer=Hash, budget={"candidates": budget})
    assert trace.visits[0] == budget - ("last_word" in trace.notes)


# -- one first visit at a time -------------------------------------------------------------------------------------


def test_one_by_one_visits_one_new_node_a_simulation() -> None:
    search = component("search", Mcts, branch=3, first_visits="one-by-one", iterations=5)
    _, trace = run(search, scorer=Flat)
    assert {word: visits for word, visits in zip(words(trace), trace.visits, strict=True) if visits} == {
        "": 5,
        "a": 2,
        "b": 2,
        "c": 1,
        "aa": 1,
        "ba": 1,
    }


def test_revisited_answers_give_their_value_again_and_are_offered_once() -> None:
    options = {"branch": 3, "first_visits": "one-by-one", "revisit": True}
    solution, trace = run(component("search", Mcts, iterations=400, **options), scorer=Foresight)
    visits = dict(zip(words(trace), trace.visits, strict=True))
    assert visits[""] == 400
    assert sum(visits[leaf] for leaf in LEAVES) == 400 - 3 - 9  # every inner node has one visit of its own
    assert solution.answer == max(LEAVES, key=value)
    assert len(solution.runners_up) == 9


def test_one_by_one_respects_the_depth() -> None:
    search = component("search", Mcts, branch=3, depth=2, first_visits="one-by-one")
    solution, trace = run(search, scorer=Hash)
    assert sorted(map(len, words(trace))) == [0, *[1] * 3, *[2] * 9]
    assert str(solution.error).startswith("the search ended without a finished answer")


def test_child_whose_score_failed_is_never_visited_one_by_one() -> None:
    search = component("search", Mcts, branch=3, first_visits="one-by-one")
    solution, trace = run(search, scorer=FailsOnB)
    assert [word for word in words(trace) if word.startswith("b")] == ["b"]
    assert trace.visits[words(trace).index("b")] == 0
    assert solution.answer == max((leaf for leaf in LEAVES if leaf[0] != "b"), key=value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"leaves": 0}, "leaves must be at least 1"),
        ({"virtual_loss": -1}, "must not be negative"),
        ({"revisit": True, "first_visits": "one-by-one"}, "revisit needs iterations"),
        ({"revisit": True, "iterations": 4}, "first_visits 'one-by-one'"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Mcts(**options)  # type: ignore[arg-type]
