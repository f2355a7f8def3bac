"""What a misbehaving component costs: the requests that it failed, nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan

import pytest

from tests.engine.toys import (
    Dying,
    Slow,
    Speller,
    Vowels,
    Words,
    component,
    pipeline,
    solve,
    timeless,
)
from treewright.pipeline import CallSettings
from treewright.searches.beam import Beam
from treewright_registry import (
    ConfigurationError,
    Problem,
    Proposals,
    ProposeRequest,
    Score,
    ScoreRequest,
    Step,
    Trajectory,
)


class TooMany(Speller):
    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([Step("a", finish="stop")] * (request.n + 1)) for request in requests]


class Nothing(Speller):
    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([]) for _ in requests]


class BareSteps(Speller):
    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [[Step("a", finish="stop")] for _ in requests]  # type: ignore[misc]


class RaisesOnThird(Speller):
    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        if any(request.trajectory.problem.id == "w3" for request in requests):
            raise RuntimeError("no idea")
        return super().propose(requests)


class Ends(Speller):
    """Never finishes an answer."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([Step("a")]) for _ in requests]


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        (
            TooMany,
            "the search ended without a finished answer; first failed call: "
            "policy.propose: propose returned 5 steps where 4 were asked for",
        ),
        (Nothing, "the search ended without a finished answer; the policy proposed no step"),
        (
            BareSteps,
            "the search ended without a finished answer; first failed call: "
            "policy.propose: propose returned list instead of Proposals",
        ),
        (
            Ends,
            "the search ended without a finished answer; allow more depth, samples or tokens",
        ),
    ],
)
def test_policy_that_breaks_its_contract_ends_each_problem_with_its_reason(policy: type[Speller], error: str) -> None:
    solutions = solve(pipeline(policy=component("policy", policy)))
    assert {solution.error for solution in solutions.values()} == {error}


def test_policy_that_raises_for_one_problem_leaves_the_batch_alone() -> None:
    plain = solve(pipeline())
    broken = solve(pipeline(policy=component("policy", RaisesOnThird)))
    assert broken["w3"].error == (
        "the search ended without a finished answer; first failed call: policy.propose: RuntimeError: no idea"
    )
    assert broken["w3"].cost["policy"]["failed_calls"] == 1
    others = [id_ for id_ in plain if id_ != "w3"]
    assert [timeless(plain[id_]) for id_ in others] == [timeless(broken[id_]) for id_ in others]


class BadScores(Vowels):
    """Judges the letter a badly, in the way it is told to."""

    def __init__(self, *, how: str) -> None:
        self.how = how

    def _value(self) -> float:
        if self.how == "raises":
            raise ZeroDivisionError("division by zero")
        return {"nan": nan, "infinite": inf, "outside": 1.5}[self.how]

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        good = super().score(requests)
        return [
            Score(self._value()) if request.trajectory.text.startswith("a") else score
            for request, score in zip(requests, good, strict=True)
        ]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("nan", "scorer.score: score returned NaN without a reason"),
        ("infinite", "scorer.score: score returned inf"),
        ("outside", "scorer.score: score returned 1.5, outside the declared range [0, 1]"),
        ("raises", "scorer.score: ZeroDivisionError: division by zero"),
    ],
)
def test_bad_scores_are_failures_with_a_reason_and_never_win(how: str, reason: str) -> None:
    solutions = solve(pipeline(scorer=component("scorer", BadScores, how=how), count=30))
    assert {failure for solution in solutions.values() for failure in solution.failed_calls} == {reason}
    assert all(solution.error is None for solution in solutions.values())
    for solution in solutions.values():
        if solution.score is not None:
            assert not str(solution.answer).startswith("a")


class WrongLength(Vowels):
    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return super().score(requests)[:-1]


def test_scorer_of_wrong_length_fails_every_request_with_its_reason() -> None:
    solutions = solve(pipeline(scorer=component("scorer", WrongLength)))
    for solution in solutions.values():
        assert solution.failed_calls == ("scorer.score: score returned 0 results for 1 request",) * 4
        assert solution.error == "no answer could be scored: scorer.score: score returned 0 results for 1 request"


def test_component_that_hangs_is_killed_replaced_and_costs_only_its_own_problem() -> None:
    spec = pipeline(policy=component("policy", Slow, CallSettings(deadline=1.0)), count=4)
    solutions = solve(spec)
    assert solutions["w1"].error == (
        "the search ended without a finished answer; first failed call: "
        "policy.propose: no answer within the deadline of 1 s; the worker was replaced"
    )
    plain = solve(pipeline(count=4))
    for id_ in ("w0", "w2", "w3"):
        assert timeless(solutions[id_]) == timeless(plain[id_])


def test_component_that_dies_is_replaced_and_costs_only_its_own_problem() -> None:
    spec = pipeline(policy=component("policy", Dying, CallSettings(deadline=30.0)), count=4)
    solutions = solve(spec)
    assert solutions["w1"].error == (
        "the search ended without a finished answer; first failed call: "
        "policy.propose: its worker process died (exit code 9); a new one was started"
    )
    assert [solutions[id_].error for id_ in ("w0", "w2", "w3")] == [None, None, None]


def test_problem_that_kills_its_shard_twice_is_recorded_and_the_others_are_solved() -> None:
    solutions = solve(pipeline(policy=component("policy", Dying), count=6), workers=2)
    assert solutions["w1"].error == "the worker process died twice on this problem (exit code 9)"
    plain = solve(pipeline(count=6))
    for id_ in plain:
        if id_ != "w1":
            assert timeless(solutions[id_]) == timeless(plain[id_])


class Unbuildable(Speller):
    def __init__(self) -> None:
        raise FileNotFoundError("weights.safetensors")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("deadline", [None, 5.0])
def test_component_that_cannot_be_built_stops_the_run_with_its_cause(workers: int, deadline: float | None) -> None:
    spec = pipeline(policy=component("policy", Unbuildable, CallSettings(deadline=deadline)))
    message = "toy/unbuildable cannot be built: FileNotFoundError: weights.safetensors"
    with pytest.raises(ConfigurationError, match=message):
        solve(spec, workers=workers)


class Flaky:
    """An endpoint that fails each request's first two attempts."""

    def __init__(self) -> None:
        self.attempts: dict[int, int] = {}

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        seed = requests[0].seed
        self.attempts[seed] = self.attempts.get(seed, 0) + 1
        if self.attempts[seed] < 3:
            raise ConnectionError("reset by peer")
        return Speller().propose(requests)


@pytest.mark.parametrize(("retries", "fails"), [(2, False), (1, True)])
def test_endpoint_calls_are_retried_as_often_as_configured(retries: int, fails: bool) -> None:
    spec = pipeline(policy=component("policy", Flaky, CallSettings(retries=retries)), count=2)
    for solution in solve(spec).values():
        assert (solution.error is not None) == fails
        if fails:
            assert solution.failed_calls == ("policy.propose: ConnectionError: reset by peer",)


class HalfBroken:
    """An endpoint where one of 64 requests always fails."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        if requests[0].trajectory.problem.id == "w17":
            raise ConnectionError("refused")
        return Speller().propose(requests)


def test_one_failing_request_among_64_loses_no_permit_and_no_other_result() -> None:
    spec = pipeline(policy=component("policy", HalfBroken, CallSettings(concurrency=4, retries=0)), count=64)
    for _ in range(2):  # a second run on the same limits goes through as well
        solutions = solve(spec)
        assert [id_ for id_, solution in solutions.items() if solution.error] == ["w17"]


def test_beam_goes_on_with_the_candidates_that_were_scored() -> None:
    spec = pipeline(
        scorer=component("scorer", BadScores, how="raises"),
        search=component("search", Beam, width=2, branch=4),
        count=10,
    )
    assert [solution.error for solution in solve(spec).values()].count(None) >= 9


class Exits(Speller):
    """Calls sys.exit, as scripts turned into plugins do."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        raise SystemExit(0)


class ExitsOnAThread(Exits):
    expensive = True


class ExitsAtAnEndpoint:
    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        raise SystemExit(0)


@pytest.mark.parametrize("policy", [Exits, ExitsOnAThread, ExitsAtAnEndpoint])
def test_component_that_calls_exit_fails_its_calls_and_ends_nothing(policy: type) -> None:
    spec = pipeline(policy=component("policy", policy, CallSettings(retries=0)), count=2)
    error = "the search ended without a finished answer; first failed call: policy.propose: SystemExit: 0"
    assert [solution.error for solution in solve(spec).values()] == [error, error]


class ExitingTask(Words):
    def extract(self, trajectory: Trajectory) -> str | None:
        raise SystemExit("enough")


def test_task_that_calls_exit_ends_its_problem_only() -> None:
    spec = replace(pipeline(count=2), task=component("task", ExitingTask, count=2))
    assert [solution.error for solution in solve(spec).values()] == ["SystemExit: enough"] * 2


def test_problem_that_cannot_be_sent_to_a_worker_is_recorded() -> None:
    odd = Problem("odd", "?", {"function": lambda: None})
    spec = pipeline(policy=component("policy", Speller, CallSettings(deadline=20.0)))
    solutions = solve(spec, [odd, Problem("even", "?")])
    assert "the request cannot be sent to the worker process" in str(solutions["odd"].error)
    assert solutions["even"].error is None
    sharded = solve(pipeline(), [odd, Problem("even", "?"), Problem("third", "?")], workers=2)
    assert str(sharded["odd"].error).startswith("the problem cannot be sent to a worker process: ")
    assert (sharded["even"].error, sharded["third"].error) == (None, None)


class OddStep(Speller):
    def __init__(self, *, how: str) -> None:
        self.how = how

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        odd: dict[str, object] = {
            "text": "a",
            "finish": Step("a", finish="done"),  # type: ignore[arg-type]
            "tokens": Step("a", tokens=-5),
            "likely": Step("a", log_probability=inf),
        }
        return [Proposals([odd[self.how]]) for _ in requests]  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ("text", "a str where a Step is wanted"),
        ("finish", "a step with finish 'done'; known: step, stop, length"),
        ("tokens", "a step with -5 tokens"),
        ("likely", "a step whose log-probability is inf"),
    ],
)
def test_odd_steps_are_failures_that_say_what_is_odd(how: str, complaint: str) -> None:
    solution = solve(pipeline(policy=component("policy", OddStep, how=how), count=1))["w0"]
    assert solution.failed_calls == (f"policy.propose: propose returned {complaint}",)


def test_problem_whose_every_score_failed_is_an_error() -> None:
    class Down(Vowels):
        def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
            raise ConnectionError("reward server down")

    solution = solve(pipeline(scorer=component("scorer", Down), count=1))["w0"]
    assert solution.error == ("no answer could be scored: scorer.score: ConnectionError: reward server down")


@pytest.mark.parametrize("workers", [1, 2])
def test_problem_that_the_task_could_not_read_is_recorded_without_a_call(workers: int) -> None:
    unread = Problem("unread", None, error="line 3: no such word")
    solutions = solve(pipeline(), [Problem("good", "?"), unread], workers=workers)
    assert solutions["good"].error is None
    assert (solutions["unread"].error, solutions["unread"].cost) == ("line 3: no such word", {})
