"""``core/budget-forcing``: how long a thinking model thinks, controlled from outside."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import AnyWord
from tests.searches.thinking import END, Thinker, force
from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.engine.trace import Trace
from treewright.pipeline import PipelineSpec
from treewright.policies.budget_forcing import BudgetForcing
from treewright_registry import Context, Env, Need, Problem, Proposals, ProposeRequest, Sampling, Score, Step


def last(trace: Trace) -> Step:
    """The policy's own step: the node that grew last."""
    step = trace.steps[-1]
    assert step is not None
    return step


@pytest.mark.parametrize("ignore", [0, 1, 2, 4, 6])
def test_the_stop_is_ignored_exactly_so_many_times(ignore: int) -> None:
    solution, _ = force(ignore=ignore)
    assert solution.answer == "abc" + "Waitabc" * ignore + END + "42"
    assert solution.cost["model"]["calls"] == 1 + ignore + 1


def test_defaults_are_those_of_s1() -> None:
    forcing = BudgetForcing()
    assert (forcing.thinking_tokens, forcing.ignore, forcing.continuation) == (32000, 1, "Wait")


def test_another_continuation_is_appended_as_it_is() -> None:
    solution, _ = force(continuation="Hmm")
    assert solution.answer == "abcHmmabc" + END + "42"


@pytest.mark.parametrize(
    ("tokens", "thinking"),
    [
        (2, "ab"),  # cut off: nothing to ignore, no token left
        (3, "abc"),  # stopped by itself, but no token left to go on with
        (4, "abcWaita"),  # one token is enough to go on
        (6, "abcWaitabc"),
        (7, "abcWaitabcWaita"),
        (9, "abcWaitabcWaitabc"),
    ],
)
def test_all_thinking_together_keeps_to_its_tokens(tokens: int, thinking: str) -> None:
    solution, trace = force(ignore=2, thinking_tokens=tokens)
    assert solution.answer == thinking + END + "42"
    assert last(trace).tokens == len(thinking.replace("Wait", "")) + 2


def test_thinking_that_was_cut_off_is_ended_and_answered() -> None:
    solution, trace = force(thinking_tokens=2)
    assert solution.answer == "ab" + END + "42"
    assert last(trace).finish == "stop"


def test_an_answer_that_was_cut_off_is_marked_so() -> None:
    solution, trace = force(ignore=0, answer_tokens=1)
    assert solution.answer == "abc" + END + "4"
    assert last(trace).finish == "length"


def test_tokens_and_log_probability_are_those_of_what_the_model_wrote() -> None:
    _, trace = force(ignore=2)
    assert (last(trace).tokens, last(trace).log_probability) == (11, -11.0)


def test_a_model_without_probabilities_gives_steps_without() -> None:
    _, trace = force(model={"probability": False})
    assert last(trace).log_probability is None


def test_each_of_several_samples_is_forced_by_itself() -> None:
    solution, trace = force(n=3)
    written = [step.content for step in trace.steps if step is not None]
    assert written.count("abcWaitabc" + END + "42") == 3
    assert solution.cost["policy"]["candidates"] == 3
    assert solution.cost["model"]["candidates"] == 0  # inner steps are no candidates
    assert solution.cost["model"]["generated_tokens"] == 3 * (3 + 3 + 2)
    # what the model wrote is counted once, though the wrapper tells it again as steps of its own
    assert sum(cost["generated_tokens"] for cost in solution.cost.values()) == 3 * (3 + 3 + 2)


@pytest.mark.parametrize("fails_on", ["Wait", END])
def test_a_sample_whose_model_fails_is_lost_and_told(fails_on: str) -> None:
    solution, _ = force(model={"fails_on": fails_on})
    assert solution.answer is None
    assert "first failed call: model.propose: RuntimeError: out of memory" in str(solution.error)


class LimitedSample:
    """Samples one answer of at most five tokens, at temperature 0.5."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy")}

    async def search(self, problem: Problem, env: Env) -> None:
        sampling = Sampling(unit="step", temperature=0.5, max_tokens=5)
        [answers] = await env.propose([env.root], 1, sampling=sampling, context=Context(instruction="go"))
        env.offer(answers[0], Score(0.5))


class Recorder(Thinker):
    """Writes what it was asked for instead of thoughts."""

    def _step(self, request: ProposeRequest) -> Step:
        asked = request.sampling
        text = f"[{asked.unit} {asked.temperature} {asked.max_tokens} {request.context.instruction}]"
        return Step(text, -1.0, 2, "stop")


def test_a_searchs_limit_temperature_and_context_reach_the_model() -> None:
    roles = {
        "policy": component("policy", BudgetForcing, end_of_thinking=END, temperature=0.9),
        "model": component("policy", Recorder),
    }
    spec = PipelineSpec(
        component("task", AnyWord), component("search", LimitedSample), component("aggregator", Best), roles
    )
    solutions: list[Solution] = []
    run_local(spec, ListFeed(AnyWord().problems()), solutions.append)
    # 2 tokens each time: 5 are left, then 3, then 1
    assert solutions[0].answer == f"[end 0.5 5 go]Wait[end 0.5 3 go]{END}[end 0.5 1 go]"


class ThreeRequests:
    """Two answers to each of three requests, asked for in one call."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy")}

    async def search(self, problem: Problem, env: Env) -> None:
        contexts = [Context(instruction=name) for name in "xyz"]
        for family in await env.propose([env.root] * 3, 2, context=contexts):
            for answer in family:
                env.offer(answer, Score(0.5))


class Company(Thinker):
    """Writes how many requests it was asked at once, and one's instruction; z gets nothing, y is cut off."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [self._one(request, len(requests)) for request in requests]

    def _one(self, request: ProposeRequest, together: int) -> Proposals:
        asked = str(request.context.instruction)
        step = Step(f"{together}{asked}", None, 1, "length" if asked == "y" else "stop")
        return Proposals([] if asked == "z" else [step] * request.n)


def test_all_requests_of_a_call_are_forced_side_by_side_and_keep_their_places() -> None:
    roles = {"policy": component("policy", BudgetForcing, end_of_thinking=END), "model": component("policy", Company)}
    spec = PipelineSpec(
        component("task", AnyWord), component("search", ThreeRequests), component("aggregator", Best), roles
    )
    traces: list[Trace] = []
    run_local(spec, ListFeed(AnyWord().problems()), lambda _: None, write_trace=lambda _, trace: traces.append(trace))
    answers = [step.content for step in traces[0].steps if step is not None and END in str(step.content)]
    # three requests begin; the two samples of x go on, those of y are cut off; all four answer
    assert answers == [f"3xWait2x{END}4x"] * 2 + [f"3y{END}4y"] * 2


@pytest.mark.parametrize("options", [{"thinking_tokens": 0}, {"ignore": -1}])
def test_numbers_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="thinking_tokens must be at least 1 and ignore at least 0"):
        BudgetForcing(**options)


def test_the_policy_declares_the_role_that_it_wraps() -> None:
    assert BudgetForcing.needs == {"model": Need("policy")}
