"""The contracts of all component kinds, and what a search sees of the engine.

A component is an ordinary class. Its constructor takes keyword-only, annotated options: that
signature *is* its configuration schema. The class may declare, as class attributes:

``capabilities``  what it can do (see ``Capability``), a frozenset of strings
``needs``         the roles it uses, a mapping of role name → ``Need``
``needs_for``, ``capabilities_for``  static methods of the options, where needs or capabilities depend on them
``expects_for``   static method of the options: what the pipeline must have although the component does not call
                  it, like the retriever whose records the search hands to a policy
``expensive``     True if its calls are dear (large models): synchronous ones get a thread of their own
``journalled``    whether the run's journal keeps its answers; by default True if ``async`` or ``expensive``
``single_samples``  True for an ``async`` policy that makes a call of its own for each step anyway: it
                  then gets requests with ``n`` = 1, and each step has its own retries and failure

A component may have a static method ``check_options(options)``: ``treewright config check`` calls it without building
anything; it raises for options that cannot work, or that name what is not there. A policy may have a static method
``check_law(options, capabilities, sampling)``, called for a search that samples it so and needs log-probabilities or
likelihoods of it (``capabilities``, or none): it raises ``ValueError`` if those it tells would be of another law.

A component may have a method ``self_check()``, synchronous or ``async``: ``treewright config check --build``
calls it and prints the lines it returns; it raises ``ConfigurationError`` for what is missing.

A component module must import light: heavy libraries are imported when a component is built.
Methods may be synchronous or ``async``; the engine copes with both. A component that ``needs``
roles is *composite*: its method gets the child ``env`` as a second argument, through which it
must make every model call.

An ``async`` component tells the engine by what it raises whether to repeat a call: ``RetryLater``
(wait first), ``CallRefused`` (never), anything else (a few times).
"""

from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

from treewright_registry.cost import Ledger
from treewright_registry.keys import Key
from treewright_registry.payloads import JSON, Blob, Payload
from treewright_registry.requests import (
    NO_CONTEXT,
    Candidate,
    Context,
    Hit,
    Likelihood,
    LikelihoodRequest,
    Proposals,
    ProposeRequest,
    RetrieveRequest,
    Sampling,
    Score,
    ScoreRequest,
    Verdict,
)
from treewright_registry.trajectory import Problem, Trajectory

T = TypeVar("T")
MaybeAwaitable: TypeAlias = T | Awaitable[T]

KINDS = (
    "policy",
    "scorer",
    "retriever",
    "aggregator",
    "search",
    "task",
    "knowledge_base",
    "codec",
    "trainer",
    "pipeline",
)


class Capability:
    """Names of capabilities that the engine's searches ask for; plugins may add their own."""

    LOG_PROBABILITY = "log_probability"  #: a policy's steps carry their log-probability
    LOG_LIKELIHOOD = "log_likelihood"  #: a policy can tell the likelihood of given steps
    PARTIAL = "partial"  #: a scorer can judge unfinished trajectories (level "step")
    REVISES = "revises"  #: a policy's steps are whole answers; from an answer it proposes revised ones
    STEP_SCORES = "step_scores"  #: a scorer fills ``Score.steps``, one value per step


@dataclass(frozen=True, slots=True)
class Need:
    """A role that a search or composite component uses.

    Attributes:
        kind: ``policy``, ``scorer``, ``retriever`` or ``aggregator``.
        capabilities: what the component in that role must be able to do.
        optional: whether the role may be left empty.
    """

    kind: str
    capabilities: frozenset[str] = frozenset()
    optional: bool = False


@runtime_checkable
class Policy(Protocol):
    """Proposes next steps.

    ``propose`` answers each request with at most ``n`` steps. It is a pure function of the
    request: same request, same steps, whatever else is in the batch.
    """

    def propose(self, requests: Sequence[ProposeRequest]) -> MaybeAwaitable[Sequence[Proposals]]:
        """One ``Proposals`` for each request, in order."""
        ...


@runtime_checkable
class LikelihoodPolicy(Policy, Protocol):
    """A policy that can also tell how likely given steps are (capability ``log_likelihood``)."""

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> MaybeAwaitable[Sequence[Likelihood]]:
        """One ``Likelihood`` for each request, in order."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """A reward model.

    Class or instance attributes:
        level: ``step`` judges unfinished trajectories too, ``outcome`` only finished ones.
        range: lowest and highest possible value; infinite bounds are allowed.
        link: what the value is: a ``probability``, a ``logit`` or any ``real`` number.
    """

    level: Literal["step", "outcome"]
    range: tuple[float, float]
    link: Literal["probability", "logit", "real"]

    def score(self, requests: Sequence[ScoreRequest]) -> MaybeAwaitable[Sequence[Score]]:
        """One ``Score`` for each request, in order."""
        ...


@runtime_checkable
class Retriever(Protocol):
    """Finds records of a knowledge base."""

    def retrieve(self, requests: Sequence[RetrieveRequest]) -> MaybeAwaitable[Sequence[Sequence[Hit]]]:
        """For each request at most ``k`` hits, best first."""
        ...


@runtime_checkable
class Aggregator(Protocol):
    """Chooses the final answer among finished trajectories, or writes it."""

    async def aggregate(self, problem: Problem, candidates: Sequence[Candidate], env: "Env") -> Sequence[Candidate]:
        """Candidates in order of preference: the first is the answer, the rest are runners-up."""
        ...


@runtime_checkable
class Search(Protocol):
    """Spends a budget on one problem.

    The method reads as plain sequential code. It never touches a model, a clock or a random
    source itself; everything goes through ``env``. Finished trajectories are handed over with
    ``env.offer``; the return value is ignored.
    """

    needs: ClassVar[Mapping[str, Need]]

    async def search(self, problem: Problem, env: "Env") -> None:
        """Search one problem until done or until ``BudgetExhausted`` is raised by ``env``."""
        ...


@runtime_checkable
class Task(Protocol):
    """A set of problems, and the only holder of their reference answers.

    The constructor must not load references: the engine keeps two instances, and only the one
    that grades ever calls ``problems``. So nothing near a policy holds an answer in memory.

    Optional methods: ``place(id, answers)`` gives further metrics of one problem from all distinct
    answers that its search offered, best first (at most 1,000): whether the right one was found, and
    where it stands; ``metrics(records)`` gives metrics of the whole set, name → ``{value, low,
    high}``; ``present(records, folder)`` returns text for the end of a run and may write pages
    into the run folder; ``close()`` ends what the grading instance started, at the end of the run. A
    task that cannot grade says ``has_references = False``, and its verdicts are ``Verdict(None)``.
    """

    def problems(self) -> Iterable[Problem]:
        """All problems, in task order, with unique ids."""
        ...

    def extract(self, trajectory: Trajectory) -> JSON:
        """The answer found in a trajectory, ``None`` if there is none."""
        ...

    def canonical(self, answer: JSON) -> Hashable:
        """Equal for answers that mean the same; used by votes and to drop duplicates."""
        ...

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        """Whether the answer is right."""
        ...


@runtime_checkable
class Codec(Protocol):
    """Turns domain objects into payloads and back."""

    def encode(self, value: Any) -> Payload:
        """The payload of a domain object."""
        ...

    def decode(self, payload: Payload) -> Any:
        """The domain object of a payload; ``decode(encode(x)) == x``."""
        ...


class BuildProgress(Protocol):
    """Is told how far a build is."""

    def __call__(self, stage: str, done: int, total: int | None = None) -> None:
        """``done`` of ``total`` (where that is known) records of the stage, e.g. ``encode``."""
        ...


@dataclass(frozen=True, slots=True)
class KnowledgeBuild:
    """What a knowledge base is to be built from, where, and what its manifest must say.

    Attributes:
        sources: existing files, in the order given.
        out: the folder to build: absent, empty, or an earlier store that is to be replaced.
        component: the component's registered name, for the manifest.
        options: the component's options as JSON values, for the manifest.
        created: an ISO date, for the manifest; components ask no clock.
        progress: to be told how far the build is.
    """

    sources: tuple[Path, ...]
    out: Path
    component: str
    options: Mapping[str, JSON]
    created: str
    progress: BuildProgress


@runtime_checkable
class KnowledgeBase(Protocol):
    """Knows how to make a store from a domain's files, and a search out of a query in words.

    Two methods may come beside these. ``extend(order)`` adds the sources' records to the store in ``order.out`` and
    returns figures as ``build`` does; both are called while the folder is locked for the calling thread. The static
    method ``named(name)`` gives the folder of a store that the plugin's pipelines know by that name, else ``None``.
    """

    def build(self, order: KnowledgeBuild) -> Mapping[str, Any]:
        """Build the store in folder ``order.out``; returns figures of its own for the terminal.

        The store is one of ``treewright_knowledge``; number of records, size and seconds are told
        by the command line.
        """
        ...

    def search(self, folder: Path, query: str, k: int) -> Sequence[Hit]:
        """At most ``k`` records of the store in ``folder``, best first.

        Raises:
            DataError: the query cannot be read, or the store cannot be used.
        """
        ...

    def shipped(self) -> Path | None:
        """The folder of the store that comes with the plugin, ``None`` if there is none."""
        ...


@runtime_checkable
class Trainer(Protocol):
    """A resumable recipe from data to a model folder.

    ``free_on_resume`` of the class, a set of names, says which options may differ when a training goes on; there are
    none without it. The command line sees to it.
    """

    def train(self, out: Path, resume: bool) -> Mapping[str, Any]:
        """Write the model to ``out``; returns the measured figures (also printed)."""
        ...


class Env(Protocol):
    """All that a search or composite component sees of the engine, for one problem.

    Failed calls never raise here: a failed proposal yields no trajectories, a failed score is
    NaN with a reason. ``BudgetExhausted`` is the one exception; letting it pass is fine.
    """

    problem: Problem
    root: Trajectory

    def propose(
        self,
        trajectories: Sequence[Trajectory],
        n: int = 1,
        *,
        role: str = "policy",
        sampling: Sampling | None = None,
        context: Context | Sequence[Context] = NO_CONTEXT,
    ) -> Awaitable[list[list[Trajectory]]]:
        """For each trajectory up to ``n`` children, fewer where budget or policy give fewer."""
        ...

    def score(
        self,
        trajectories: Sequence[Trajectory],
        *,
        role: str = "scorer",
        context: Context | Sequence[Context] = NO_CONTEXT,
    ) -> Awaitable[list[Score]]:
        """A score for each trajectory."""
        ...

    def log_likelihood(
        self,
        trajectories: Sequence[Trajectory],
        *,
        role: str = "policy",
        sampling: Sampling | None = None,
        context: Context | Sequence[Context] = NO_CONTEXT,
    ) -> Awaitable[list[Likelihood]]:
        """How likely the last step of each trajectory is, under the policy in ``role``."""
        ...

    def retrieve(self, queries: Sequence[Payload], k: int, *, role: str = "retriever") -> Awaitable[list[list[Hit]]]:
        """For each query at most ``k`` hits, best first."""
        ...

    def together(self, *calls: Awaitable[Any]) -> Awaitable[list[Any]]:
        """Run several calls at the same time; their results in the given order."""
        ...

    def once(self, name: str, roles: Sequence[str], make: Callable[["Env"], Coroutine[Any, Any, T]]) -> Awaitable[T]:
        """What ``make`` gives, made once for this problem however often and by whomever it is asked for.

        For what a composite component needs again and again, as a problem's retrieved records: policy and
        scorer share it, and its calls are paid for once. ``make`` gets an environment of its own with the
        roles named (those that are filled); its draws depend on ``name`` and roles alone. So ``name`` must
        tell everything else that the result depends on.
        """
        ...

    def finished(self, trajectory: Trajectory) -> bool:
        """Whether the trajectory is a complete answer."""
        ...

    def answer_key(self, trajectory: Trajectory) -> Hashable:
        """The canonical form of the trajectory's answer, ``None`` if it has none."""
        ...

    def random(self, *draw: int | str) -> Key:
        """The random draw named ``draw``; the same name gives the same draw."""
        ...

    def remaining(self, counter: str = "candidates") -> float:
        """What the budget still allows of a counter of ``Cost``; infinite without a limit."""
        ...

    def offer(self, trajectory: Trajectory, score: Score) -> None:
        """Hand over a finished trajectory; the best so far is the answer if the search stops."""
        ...

    def has(self, role: str) -> bool:
        """Whether the pipeline fills an optional role."""
        ...

    def range(self, role: str = "scorer") -> tuple[float, float]:
        """Lowest and highest value that the scorer in ``role`` declares."""
        ...

    def visit(self, trajectory: Trajectory, visits: int) -> None:
        """Note in the trace how often the search visited a node."""
        ...

    def note(self, name: str, value: float) -> None:
        """Note in the trace a figure of the whole search, e.g. an estimate of the evidence."""
        ...

    @property
    def ledger(self) -> Ledger:
        """What this problem has cost so far, by role."""
        ...


@runtime_checkable
class BlobStore(Protocol):
    """Bytes by content. A component with a class attribute ``blobs`` gets one set when built."""

    def put(self, data: bytes, media_type: str) -> Blob:
        """Keep ``data``; the same bytes are kept once."""
        ...

    def get(self, blob: Blob) -> bytes:
        """The bytes of a blob."""
        ...
