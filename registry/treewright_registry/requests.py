"""What components are asked, and what they answer.

Requests and results are named tuples: immutable, and cheap to make by the hundred thousand.
Lists go in, lists of the same length and order come out; there is no "one or many".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from treewright_registry.cost import NO_USAGE, Usage
from treewright_registry.keys import Key
from treewright_registry.payloads import Payload
from treewright_registry.trajectory import Step, Trajectory


class Sampling(NamedTuple):
    """How a policy is to draw its steps; ``None`` leaves the policy's own setting.

    Unset is ``None`` and nothing else: a temperature of 0.0 is greedy decoding.

    Attributes:
        unit: ``step`` stops at the policy's step boundary, ``end`` goes on to the answer's end.
        temperature: 0.0 is greedy.
        top_p: nucleus mass in (0, 1].
        max_tokens: upper limit for each step.
    """

    unit: Literal["step", "end"] = "step"
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None


class Hit(NamedTuple):
    """A record found by a retriever.

    Attributes:
        id: the record's identifier in its knowledge base.
        content: the record.
        similarity: higher is nearer; comparable within one answer only.
        provenance: where the record comes from (file, data set, licence).
    """

    id: str
    content: Payload
    similarity: float
    provenance: str = ""


class Context(NamedTuple):
    """What a request brings besides the trajectory.

    Attributes:
        hits: retrieved records, best first.
        instruction: what is wanted of this very request (a critique, "continue", …).
        peers: other trajectories of the same problem that the component may look at.
    """

    hits: tuple[Hit, ...] = ()
    instruction: Payload = None
    peers: tuple[Trajectory, ...] = ()


NO_CONTEXT = Context()
DEFAULT_SAMPLING = Sampling()
TO_END = Sampling(unit="end")


class ProposeRequest(NamedTuple):
    """Up to ``n`` next steps of ``trajectory`` are wanted.

    ``propose`` must be a pure function of trajectory, context, sampling, seed and allowance.

    Attributes:
        allowance: inner evaluations that the problem's budget leaves for this request, at least 1; ``None``
            without such a limit. A policy that evaluates inside a call does not go on beyond it.
    """

    trajectory: Trajectory
    n: int
    seed: int
    sampling: Sampling = DEFAULT_SAMPLING
    context: Context = NO_CONTEXT
    allowance: int | None = None

    def key(self, *path: int | str) -> Key:
        """The random draw at ``path`` within this request, e.g. ``key(i)`` for the i-th step."""
        return Key.root(self.seed, *path)


class Proposals(NamedTuple):
    """A policy's answer to one request.

    Attributes:
        steps: at most ``n``.
        usage: what else it cost.
        failed: a reason for each step that was asked for and could not be made. The steps that were
            made are kept; each reason counts as a failed call. A request without any step should
            raise instead, so that it is repeated.
    """

    steps: Sequence[Step]
    usage: Usage = NO_USAGE
    failed: tuple[str, ...] = ()


class ScoreRequest(NamedTuple):
    """``trajectory`` is to be judged."""

    trajectory: Trajectory
    seed: int
    context: Context = NO_CONTEXT

    def key(self, *path: int | str) -> Key:
        """The random draw at ``path`` within this request."""
        return Key.root(self.seed, *path)


class Score(NamedTuple):
    """A scorer's verdict.

    Attributes:
        value: within the scorer's declared range, higher is better; NaN if scoring failed.
        steps: one value per step, for scorers that judge steps.
        reason: why there is no value; set exactly when ``value`` is NaN.
        usage: what judging cost.
    """

    value: float
    steps: tuple[float, ...] = ()
    reason: str | None = None
    usage: Usage = NO_USAGE

    @property
    def failed(self) -> bool:
        """Whether scoring failed (the value is NaN)."""
        return self.value != self.value

    @property
    def rank(self) -> float:
        """The value for comparisons: a failed score ranks below everything."""
        return self.value if self.value == self.value else float("-inf")


class LikelihoodRequest(NamedTuple):
    """How likely is the last step of ``trajectory``, given what stands before it?"""

    trajectory: Trajectory
    sampling: Sampling = DEFAULT_SAMPLING
    context: Context = NO_CONTEXT


class Likelihood(NamedTuple):
    """A policy's answer to a ``LikelihoodRequest``.

    Attributes:
        log_probability: natural logarithm, summed over the step's tokens; NaN if it failed.
        tokens: how many tokens the step has.
        reason: why there is no value; set exactly when the value is NaN.
        usage: what computing it cost.
    """

    log_probability: float
    tokens: int = 0
    reason: str | None = None
    usage: Usage = NO_USAGE


class RetrieveRequest(NamedTuple):
    """The ``k`` records nearest to ``query`` are wanted."""

    query: Payload
    k: int
    trajectory: Trajectory | None = None


class Candidate(NamedTuple):
    """A finished trajectory that a search offers, with the score it was offered at."""

    trajectory: Trajectory
    score: Score


class Verdict(NamedTuple):
    """What grading says of an answer.

    Attributes:
        correct: whether the answer counts as right; ``None`` if the task knows no reference.
        metrics: further figures of this one record, e.g. a similarity to the reference.
    """

    correct: bool | None
    metrics: Mapping[str, Any] = {}
