"""``core/particle-filter`` and ``core/particle-gibbs``: what they offer, when they start over, what they refuse.

Their laws are tested in ``tests/laws``.
"""

from math import exp, log

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import LEAVES, AllChildren, FailsOnB, Foresight, Hash, run, value, words
from treewright.searches.particle_filter import ParticleFilter
from treewright.searches.particle_gibbs import ParticleGibbs
from treewright_registry import Proposals, ProposeRequest, Score, Step

FILTER, GIBBS = ParticleFilter, ParticleGibbs


class Drawn(AllChildren):
    """Draws one of the three letters."""

    def _steps(self, request: ProposeRequest) -> list[Step]:
        steps = super()._steps(request._replace(n=3))
        return [steps[request.key(index).seed % 3] for index in range(request.n)]


def answers(solution) -> list[str]:
    return [str(solution.answer), *(str(runner["answer"]) for runner in solution.runners_up)]


def test_all_offers_every_particle_of_the_last_population_best_first() -> None:
    solution, trace = run(component("search", FILTER, particles=6), policy=Drawn, scorer=Hash)
    assert set(answers(solution)) <= {word for word in words(trace) if len(word) == 3}
    assert answers(solution) == sorted(set(answers(solution)), key=value, reverse=True)
    assert solution.cost["policy"]["candidates"] == 6 * 3
    assert solution.cost["policy"]["calls"] == 6 * 3


def test_argmax_offers_the_best_scored_particle_only() -> None:
    everything, _ = run(component("search", FILTER, particles=6), policy=Drawn, scorer=Hash)
    best, _ = run(component("search", FILTER, particles=6, selection="argmax"), policy=Drawn, scorer=Hash)
    assert answers(best) == answers(everything)[:1]


def test_draw_offers_one_particle_of_the_last_population() -> None:
    everything, _ = run(component("search", FILTER, particles=6), policy=Drawn, scorer=Hash)
    drawn, _ = run(component("search", FILTER, particles=6, selection="draw"), policy=Drawn, scorer=Hash)
    assert len(answers(drawn)) == 1
    assert answers(drawn)[0] in answers(everything)


def test_log_evidence_of_one_particle_is_the_sum_of_its_log_scores() -> None:
    solution, trace = run(component("search", FILTER, particles=1), policy=Drawn, scorer=Hash)
    word = str(solution.answer)
    assert trace.notes["log_evidence"] == pytest.approx(sum(log(value(word[:at])) for at in (1, 2, 3)))


def test_evidence_stands_in_the_first_row_of_the_trace() -> None:
    _, trace = run(component("search", FILTER, particles=4), policy=Drawn, scorer=Hash)
    first, *others = trace.rows()
    assert first["notes"] == trace.notes
    assert not any("notes" in row for row in others)


def test_whole_target_has_the_last_score_as_the_only_weight() -> None:
    search = component("search", FILTER, particles=1, target="whole", potential="exp", beta=2.0)
    solution, trace = run(search, policy=Drawn, scorer=Hash)
    assert trace.notes["log_evidence"] == pytest.approx(2 * value(str(solution.answer)))


@pytest.mark.parametrize(("potential", "of"), [("prob", lambda r: r), ("odds", lambda r: r / (1 - r)), ("exp", exp)])
def test_potentials_are_what_their_names_say(potential: str, of) -> None:
    search = component("search", FILTER, particles=1, potential=potential)
    solution, trace = run(search, policy=Drawn, scorer=Hash)
    word = str(solution.answer)
    assert exp(trace.notes["log_evidence"]) == pytest.approx(
        of(value(word[:1])) * of(value(word[:2])) * of(value(word))
    )


class Strict(Hash):
    """Only words that end on c are worth anything."""

    def _judge(self, word: str) -> Score:
        return Score(float(word.endswith("c")))


def test_population_without_any_weight_goes_on_and_has_no_evidence() -> None:
    class OnlyA(AllChildren):
        def _steps(self, request: ProposeRequest) -> list[Step]:
            return super()._steps(request._replace(n=1))

    solution, trace = run(component("search", FILTER, particles=4), policy=OnlyA, scorer=Strict)
    assert (solution.answer, solution.score) == ("aaa", 0.0)
    assert trace.notes == {}


@pytest.mark.parametrize(("limit", "whole"), [(17, False), (22, False), (23, False), (24, True), (25, True)])
def test_sweep_that_the_budget_cuts_has_no_evidence(limit: int, whole: bool) -> None:
    """Eight particles and three steps: what was not proposed would count as weight 0, and Z as too small."""
    solution, trace = run(
        component("search", FILTER, particles=8), policy=Drawn, scorer=Hash, budget={"candidates": limit}
    )
    assert solution.error is None
    assert ("log_evidence" in trace.notes) == whole
    assert ("last_word" in trace.notes) == (limit == 17)


@pytest.mark.parametrize("selection", ["all", "argmax", "draw"])
@pytest.mark.parametrize("cls", [FILTER, GIBBS])
@pytest.mark.parametrize("limit", [1, 2, 8, 9, 16, 17])
def test_sweep_that_is_cut_before_its_last_round_writes_the_best_beginning_to_its_end(
    limit: int, cls: type, selection: str
) -> None:
    search = component("search", cls, particles=8, selection=selection)
    solution, trace = run(search, policy=Drawn, scorer=Hash, budget={"candidates": limit})
    assert solution.answer in LEAVES
    assert set(trace.notes) - {"held_back"} == {"last_word"}
    *earlier, last = words(trace)
    assert last == solution.answer
    newest = [word for word in earlier if len(word) == max(map(len, earlier))]
    assert last.startswith(max(newest, key=value) if newest != [""] else "")


def test_sweep_with_a_failed_score_has_no_evidence() -> None:
    _, whole = run(component("search", FILTER, particles=12), policy=Drawn, scorer=Hash)
    _, cut = run(component("search", FILTER, particles=12), policy=Drawn, scorer=FailsOnB)
    assert any(word.startswith("b") for word in words(cut))
    assert "log_evidence" in whole.notes
    assert cut.notes == {}


class OnlyAfterA(Drawn):
    """Cannot go on after b and c."""

    def propose(self, requests) -> list[Proposals]:
        return [
            Proposals([]) if request.trajectory.text.startswith(("b", "c")) else answer
            for request, answer in zip(requests, super().propose(requests), strict=True)
        ]


def test_sweep_with_a_failed_proposal_has_no_evidence() -> None:
    _, trace = run(component("search", FILTER, particles=12), policy=OnlyAfterA, scorer=Hash)
    assert {"a", "b", "c"} <= set(words(trace))
    assert trace.notes == {}


class DeadEndAfterB(Drawn):
    """A word that begins with a ends at once; after b there is no further letter."""

    def propose(self, requests) -> list[Proposals]:
        found = []
        for request, answer in zip(requests, super().propose(requests), strict=True):
            steps = [step._replace(finish="stop") if step.content == "a" else step for step in answer.steps]
            found.append(Proposals([] if request.trajectory.text.startswith("b") else steps))
        return found


class Inverted(Hash):
    """Beginning with a is worth nothing, everything else something."""

    def _judge(self, word: str) -> Score:
        return Score(0.0 if word.startswith("a") else 0.5)


def test_finished_answer_without_weight_is_better_than_none() -> None:
    for seed in range(30):
        solution, trace = run(
            component("search", FILTER, particles=3), policy=DeadEndAfterB, scorer=Inverted, seed=seed
        )
        firsts = {word for word in words(trace) if len(word) == 1}
        if "a" in firsts and not any(word.startswith("c") for word in firsts):
            assert solution.answer == "a"


def test_particle_whose_score_failed_dies() -> None:
    solution, trace = run(component("search", FILTER, particles=12), policy=Drawn, scorer=FailsOnB)
    assert [word for word in words(trace) if len(word) > 1 and word.startswith("b")] == []
    assert not any(answer.startswith("b") for answer in answers(solution))


@pytest.mark.parametrize("cls", [FILTER, GIBBS])
def test_budget_that_ends_a_sweep_hands_over_what_is_finished(cls: type) -> None:
    class Endless(Drawn):
        """The letter a ends the answer; nothing else does."""

        def _steps(self, request: ProposeRequest) -> list[Step]:
            return [step._replace(finish="stop" if step.content == "a" else "step") for step in super()._steps(request)]

    solution, _ = run(component("search", cls, particles=8), policy=Endless, scorer=Hash, budget={"candidates": 20})
    assert solution.cost["policy"]["candidates"] <= 20
    assert str(solution.answer).endswith("a")


def test_gibbs_sweeps_keep_one_place_for_the_reference() -> None:
    solution, _ = run(component("search", GIBBS, particles=5, iterations=3), policy=Drawn, scorer=Hash)
    assert solution.cost["policy"]["candidates"] == 5 * 3 + 2 * 4 * 3
    assert solution.error is None


def test_gibbs_draw_offers_the_last_reference_only() -> None:
    search = component("search", GIBBS, particles=5, iterations=3, selection="draw")
    solution, _ = run(search, policy=Drawn, scorer=Hash)
    assert len(answers(solution)) == 1
    assert answers(solution)[0] in LEAVES


def test_many_sweeps_of_gibbs_find_the_best_leaf() -> None:
    search = component("search", GIBBS, particles=6, iterations=30, potential="exp", beta=20.0, target="whole")
    solution, _ = run(search, policy=Drawn, scorer=Foresight)
    assert solution.answer == max(LEAVES, key=value)


class Wide(Hash):
    range = (-1.0, 1.0)


@pytest.mark.parametrize("potential", ["prob", "odds"])
def test_scores_outside_0_and_1_are_no_probabilities(potential: str) -> None:
    solution, _ = run(component("search", FILTER, potential=potential), policy=Drawn, scorer=Wide)
    assert solution.error == (
        f"potential '{potential}' needs scores in [0, 1], and the scorer's range is [-1.0, 1.0]: use 'exp'"
    )


@pytest.mark.parametrize("cls", [FILTER, GIBBS])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_scores": "product"}, "use target 'whole'"),
        ({"particles": 0}, "at least"),
        ({"depth": 0}, "depth must be at least 1"),
        ({"resampling_temperature": 0.0}, "resampling_temperature must be above 0"),
        ({"beta": -1.0}, "beta at least 0"),
    ],
)
def test_options_that_cannot_work_are_refused(cls: type, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**options)


def test_speculative_needs_draft_and_target() -> None:
    needs = ParticleFilter.needs_for({"speculative": True})
    assert set(needs) == {"draft", "target", "scorer"}
    assert needs["draft"].capabilities == {"log_probability"}
    assert needs["target"].capabilities == {"log_likelihood"}
    assert set(ParticleFilter.needs) == {"policy", "scorer"}
