"""A policy, a reward model and a retriever for tests: they write down what they are asked."""

from typing import ClassVar, NamedTuple

from treewright_registry import (
    Capability,
    Hit,
    Key,
    Likelihood,
    Problem,
    Proposals,
    Sampling,
    Score,
    Step,
    Usage,
    Verdict,
)

CIRCLE = "What is the area of a circle with radius $3$?"
ASKED = "What is the area of a circle with radius $14$?"
OTHER = "What is the area of a circle with radius $15$? Give it in metres."


class OneProblem:
    """A problem without a reference."""

    has_references = False

    def __init__(self, *, prompt: str = ASKED, other: str = OTHER) -> None:
        self.prompt, self.other = prompt, other

    def problems(self):
        return [Problem("one", self.prompt), Problem("two", self.other)]

    def extract(self, trajectory):
        return trajectory.text

    def canonical(self, answer):
        return answer

    def grade(self, problem_id, answer):
        return Verdict(None)


class Asked(NamedTuple):
    """A request: what was wanted of which problem, behind which text, with which records and sampling."""

    method: str
    problem: str
    text: str
    shown: list[str]
    sampling: Sampling
    template: bool


class Writer:
    """Three steps of words drawn by the request's key; at temperature 0 always the same; a template when asked for one.

    What it was asked is in ``asked``.
    """

    capabilities: ClassVar = frozenset({Capability.LOG_PROBABILITY, Capability.LOG_LIKELIHOOD})
    asked: ClassVar[list] = []
    journalled = True

    def __init__(self, *, template: str = "no template", first_try: str = "The area is $\\pi r^2$.") -> None:
        self.template, self.first_try = template, first_try

    def propose(self, requests):
        return [self._proposals(request) for request in requests]

    def _proposals(self, request):
        wanted = request.context.instruction is not None
        _note("propose", request, wanted)
        if wanted:
            return Proposals([Step(self.template, 0.0, 5, "stop")])
        if request.sampling.temperature == 0.0 and request.sampling.unit == "step":
            return Proposals([Step(self.first_try, 0.0, 3)] * request.n)
        last = request.sampling.unit == "end" or request.trajectory.depth == 2
        words = [f"w{request.key(i).seed % 1000} " for i in range(request.n)]
        return Proposals([Step(word, -1.0, 1, "stop" if last else "step") for word in words])

    def log_likelihood(self, requests):
        for request in requests:
            _note("log_likelihood", request, False)
        return [Likelihood(-1.0, 1, usage=Usage(scored_tokens=1)) for _ in requests]


def _note(method, request, wanted):
    shown = [hit.content for hit in request.context.hits]
    trajectory = request.trajectory
    Writer.asked.append(Asked(method, trajectory.problem.id, trajectory.text, shown, request.sampling, wanted))


class Judge:
    """A number in [0, 1] that depends on the text alone; writes down which records it is shown."""

    level, range, link = "step", (0.0, 1.0), "probability"
    capabilities: ClassVar = frozenset({Capability.PARTIAL, Capability.STEP_SCORES})
    shown: ClassVar[list] = []

    def score(self, requests):
        Judge.shown.extend([hit.content for hit in request.context.hits] for request in requests)
        return [_score(request.trajectory) for request in requests]


def _score(trajectory):
    value = Key.root(5, trajectory.text).uniform()
    return Score(value, (value,) * trajectory.depth, usage=Usage(scored_tokens=10))


class Careless:
    """Brings the same records for every query, the problem itself among them; writes the queries down."""

    queries: ClassVar[list] = []

    def retrieve(self, requests):
        Careless.queries.extend(request.query for request in requests)
        texts = [f"Problem: {ASKED.upper()}\nSolution: it is 7.", "Problem: Why?\nSolution: because."]
        return [[Hit(f"r{i}", text, 1.0 - i / 10) for i, text in enumerate(texts)][: request.k] for request in requests]


PARTS = {
    ("task", "my/problem"): OneProblem,
    ("policy", "my/writer"): Writer,
    ("scorer", "my/judge"): Judge,
    ("retriever", "my/careless"): Careless,
}
