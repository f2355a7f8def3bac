"""The policy behind the whole engine: costs, retries, deadlines, and what a fault costs."""

import email.utils
import itertools
import time

import pytest

from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright.searches.beam import Beam
from treewright.searches.sample import Sample
from treewright_language.openai_policy import OpenAIPolicy
from treewright_registry import Descriptor, Problem, Score

PROBLEMS = [Problem(f"p{number}", f"question {number}") for number in range(4)]


class Length:
    """The longer a text, the better."""

    level = "step"
    range = (0.0, 1000.0)
    link = "real"

    def score(self, requests):
        return [Score(float(len(request.trajectory.text))) for request in requests]


class Reader:
    """A task without references: the answer is the text."""

    def extract(self, trajectory):
        return trajectory.text

    def canonical(self, answer):
        return answer


@pytest.fixture
def solve(server, monkeypatch):
    monkeypatch.setattr("treewright.engine.endpoint._pause", lambda attempt: 0.0)

    def solve(problems=PROBLEMS, n=1, call=CallSettings(), search=None, **options):  # noqa: B008
        policy = {"model": "tiny", "base_url": server.url, **options}
        pipeline = PipelineSpec(
            task=_spec("task", Reader),
            search=search or _spec("search", Sample, {"n": n}),
            aggregator=_spec("aggregator", Best),
            roles={
                "policy": _spec("policy", OpenAIPolicy, policy, call),
                "scorer": _spec("scorer", Length),
            },
        )
        solutions = {}
        run_local(pipeline, ListFeed(problems), lambda made: solutions.setdefault(made.problem_id, made))
        return solutions

    return solve


def _spec(kind, cls, options=None, call=CallSettings()):  # noqa: B008
    return ComponentSpec(Descriptor(kind, f"test/{cls.__name__.lower()}", cls), options or {}, call)


def question(body):
    return body["messages"][-1]["content"]


def test_every_problem_gets_its_own_answer_and_exact_costs(server, solve):
    server.answer = lambda body: server.says(f"answer to {question(body)}")
    solutions = solve(n=3)
    assert {name: made.answer for name, made in solutions.items()} == {
        f"p{number}": f"answer to question {number}" for number in range(4)
    }
    for made in solutions.values():
        cost = made.cost["policy"]
        assert (cost["candidates"], cost["prompt_tokens"], cost["generated_tokens"]) == (3, 33, 9)
        assert cost["failed_calls"] == 0


def test_a_beam_goes_step_by_step_until_the_server_ends_the_answer(server, solve):
    def answer(body):
        written = [message["content"] for message in body["messages"] if message["role"] == "assistant"]
        steps = written[0].count("\n\n") if written else 0
        text = f"{steps}:{body['seed']}"
        return server.says(text, stop_reason="\n\n" if steps < 2 else None)

    server.answer = answer
    [made] = solve(PROBLEMS[:1], search=_spec("search", Beam, {"width": 2, "branch": 2})).values()
    steps = made.answer.split("\n\n")
    assert [step[:2] for step in steps] == ["0:", "1:", "2:"]
    # two steps from the problem, then twice two from each of the two that survive
    assert made.cost["policy"]["candidates"] == len(server.bodies) == 10


def test_a_run_repeated_sends_the_same_seeds_and_gives_the_same_answers(server, solve):
    server.answer = lambda body: server.says(str(body["seed"]))
    first = {name: made.answer for name, made in solve(n=3).items()}
    sent = sorted(body["seed"] for body in server.bodies)
    server.bodies.clear()
    assert {name: made.answer for name, made in solve(n=3).items()} == first
    assert sorted(body["seed"] for body in server.bodies) == sent
    assert len(set(sent)) == 12


@pytest.mark.parametrize(
    "fault",
    [
        (500, '{"error": {"message": "out of order"}}'),
        (429, '{"error": {"message": "too many requests"}}'),
        (200, '{"choices": ['),
        (200, '{"choices": []}'),
    ],
    ids=["500", "429", "malformed", "empty"],
)
def test_a_fault_that_passes_is_retried_with_the_same_seed(server, solve, fault):
    numbers = itertools.count()
    server.answer = lambda body: fault if next(numbers) == 0 else server.says("fine")
    [made] = solve(PROBLEMS[:1]).values()
    assert (made.answer, made.error) == ("fine", None)
    assert len(server.bodies) == 2
    assert server.bodies[0] == server.bodies[1]


def test_a_fault_that_stays_ends_its_problem_only(server, solve):
    def answer(body):
        if question(body) == "question 2":
            return 500, '{"error": {"message": "out of order"}}'
        return server.says("fine")

    server.answer = answer
    solutions = solve(call=CallSettings(retries=1))
    assert [solutions[f"p{number}"].answer for number in range(4)] == ["fine", "fine", None, "fine"]
    assert solutions["p2"].error == (
        "the search ended without a finished answer; first failed call: policy.propose: CallFailed:"
        f" model 'tiny' at {server.url}: HTTP 500:"
        ' {"error": {"message": "out of order"}}'
    )
    assert solutions["p2"].cost["policy"]["failed_calls"] == 1
    assert sum(question(body) == "question 2" for body in server.bodies) == 2


def test_a_server_that_hangs_is_left_at_the_deadline(server, solve):
    server.answer = lambda body: None if question(body) == "question 1" else server.says("fine")
    solutions = solve(call=CallSettings(deadline=0.5, retries=0))
    assert [solutions[f"p{number}"].answer for number in range(4)] == ["fine", None, "fine", "fine"]
    assert "no answer within the deadline of 0.5 s" in solutions["p1"].error


def test_one_failed_sample_costs_itself_only(server, solve):
    numbers = itertools.count()
    server.answer = lambda body: (500, "{}") if next(numbers) == 0 else server.says("fine")
    [made] = solve(PROBLEMS[:1], n=3, call=CallSettings(retries=0)).values()
    assert made.cost["policy"]["candidates"] == len(server.bodies) - 1 == 2
    assert made.cost["policy"]["failed_calls"] == 1


def test_only_the_failed_sample_is_repeated(server, solve):
    numbers = itertools.count()
    server.answer = lambda body: (500, "{}") if next(numbers) == 0 else server.says("fine")
    [made] = solve(PROBLEMS[:1], n=3).values()
    assert made.cost["policy"]["candidates"] == 3
    assert len(server.bodies) == 4
    assert len({body["seed"] for body in server.bodies}) == 3


def test_no_more_samples_are_under_way_than_the_engine_allows(server, solve):
    def answer(body):
        time.sleep(0.05)  # long enough for all that may come to be there at once
        return server.says("fine")

    server.answer = answer
    solve(n=4, call=CallSettings(concurrency=3))
    assert (len(server.bodies), server.most) == (16, 3)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_the_server_refuses_is_asked_once(server, solve, status):
    server.answer = lambda body: (status, "{}")
    [made] = solve(PROBLEMS[:1]).values()
    assert len(server.bodies) == 1
    assert "CallRefused" in made.failed_calls[0]


def test_a_spent_quota_is_no_reason_to_wait(server, solve):
    server.answer = lambda body: (429, '{"error": {"code": "insufficient_quota"}}')
    [made] = solve(PROBLEMS[:1]).values()
    assert len(server.bodies) == 1
    assert "CallRefused" in made.failed_calls[0]


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "0.3"}, {"retry-after-ms": "300"}, {"Retry-After": "9", "retry-after-ms": "300"}],
    ids=["seconds", "milliseconds", "both"],
)
def test_the_server_is_left_alone_for_as_long_as_it_asks(server, solve, headers):
    numbers, arrivals = itertools.count(), []

    def answer(body):
        arrivals.append(time.monotonic())
        return (429, "{}", headers) if next(numbers) == 0 else server.says("fine")

    server.answer = answer
    # more often than retries would allow: waiting because the server asks is no attempt
    [made] = solve(PROBLEMS[:1], call=CallSettings(retries=0)).values()
    assert made.answer == "fine"
    assert 0.3 <= arrivals[1] - arrivals[0] < 5


def test_a_date_is_understood_too(server, solve):
    numbers = itertools.count()
    date = email.utils.formatdate(time.time() + 1000, usegmt=True)
    server.answer = lambda body: (503, "{}", {"Retry-After": date}) if next(numbers) == 0 else server.says("fine")
    [made] = solve(PROBLEMS[:1]).values()
    assert "to be repeated in" in made.failed_calls[0]
    assert "beyond call.patience (300 s)" in made.failed_calls[0]


def test_a_server_that_is_not_there_is_an_error_of_each_problem(server, solve):
    solutions = solve(base_url="http://127.0.0.1:9/v1", call=CallSettings(retries=0))
    assert {made.error for made in solutions.values()} == {
        "the search ended without a finished answer; first failed call: policy.propose: CallFailed:"
        " model 'tiny' at http://127.0.0.1:9/v1: APIConnectionError: Connection error."
    }


def test_no_error_of_a_run_shows_the_key(server, solve):
    server.answer = lambda body: (401, f'{{"error": "bad key {server.headers[0]["Authorization"]}"}}')
    solutions = solve(call=CallSettings(retries=0))
    assert all(made.error.endswith('{"error": "bad key Bearer ***"}') for made in solutions.values())
    assert "sk-secret" not in repr(solutions)
