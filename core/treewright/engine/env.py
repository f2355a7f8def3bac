"""What a search sees: one problem's window on the engine.

Every model call of a search or of a composite component passes through here, and so through the
budget, the scheduler, the ledger and the trace.
"""

from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from treewright.engine.budget import Budget
from treewright.engine.calls import PLUGIN_ERRORS, Call, Composed, Failure, Once, Together
from treewright.engine.invoke import checked
from treewright.engine.journal import ProblemJournal
from treewright.engine.journalled_call import JournalledCall
from treewright.engine.ports import Port
from treewright.engine.trace import CallRecord, Trace
from treewright_registry import (
    DEFAULT_SAMPLING,
    NO_CONTEXT,
    NO_USAGE,
    BudgetExhausted,
    Candidate,
    Context,
    ContractError,
    Cost,
    Hit,
    Key,
    Ledger,
    Likelihood,
    LikelihoodRequest,
    Payload,
    Problem,
    ProposeRequest,
    RetrieveRequest,
    Sampling,
    Score,
    ScoreRequest,
    Trajectory,
    Usage,
)

_NAN = float("nan")
_NOT_A_CALL = (
    "env.together got a {}; it takes calls of env only (env.propose, env.score, …): a coroutine of the search's own"
    " would draw its random numbers in an order that depends on who answers first"
)
_MASK = (1 << 64) - 1
_KEPT_FAILURES = 20  # reasons kept per problem; the ledger counts all of them
T = TypeVar("T")
_Told = TypeVar("_Told", Score, Likelihood)
AnswerKey: TypeAlias = Callable[[Trajectory], Hashable]


class Composite:
    """A component that uses others: called in place, with a child ``env``, never queued.

    Attributes:
        role: its role in the pipeline.
        component: the component.
        bound: its own role names → roles of the pipeline.
    """

    __slots__ = ("bound", "component", "role")

    def __init__(self, role: str, component: Any, bound: Mapping[str, str]) -> None:
        self.role = role
        self.component = component
        self.bound = bound


class Shared:
    """What all environments of one problem share: budget, ledger, trace, journal, offers, failures and ``once``."""

    __slots__ = ("answer_key", "budget", "failures", "journal", "key", "ledger", "offers", "once", "roles", "trace")

    def __init__(
        self,
        roles: Mapping[str, Port | Composite],
        limits: Mapping[str, float],
        answer_key: AnswerKey,
        journal: ProblemJournal | None = None,
    ) -> None:
        self.roles = roles
        self.journal = journal
        self.ledger = Ledger()
        self.budget = Budget(limits, self.ledger)
        self.trace = Trace()
        self.offers: list[Candidate] = []
        self.failures: list[str] = []
        self.answer_key = answer_key
        self.key: Key | None = None  # the problem's own, set by its first environment
        self.once: dict[tuple[str, ...], Once[Any]] = {}


class ProblemEnv:
    """The engine as one search (or composite component) sees it; see ``treewright_registry.Env``."""

    __slots__ = ("_bound", "_calls", "_inner", "_kept", "_key", "_path", "_shared", "problem", "root")

    def __init__(
        self,
        problem: Problem,
        shared: Shared,
        key: Key,
        bound: Mapping[str, str],
        inner: bool = False,
        path: str = "",
    ) -> None:
        self.problem = problem
        self.root = Trajectory(problem)
        self._shared = shared
        self._key = key
        self._bound = bound
        self._inner = inner
        self._path = path  # names the environment in the journal
        self._calls = 0
        self._kept = 0  # calls that the journal keeps; cheap ones are not counted
        if shared.key is None:
            shared.key = key

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
        budget = self._shared.budget
        budget.check()
        left = granted = len(trajectories) * n
        if granted and not self._inner:
            left = granted = budget.take_candidates(granted)
        contexts = _each(context, len(trajectories))
        sampling = sampling or DEFAULT_SAMPLING
        seed = self._next_seed()
        allowance = budget.allowance(self._bound.get(role, role), len(trajectories))
        requests: list[ProposeRequest] = []
        for index, trajectory in enumerate(trajectories):
            take = n if n <= left else left
            left -= take
            if take:
                step_seed = (seed + index) & _MASK
                requests.append(ProposeRequest(trajectory, take, step_seed, sampling, contexts[index], allowance))
        return self._send(role, "propose", requests, lambda call: self._proposed(call, trajectories, granted))

    def score(
        self,
        trajectories: Sequence[Trajectory],
        *,
        role: str = "scorer",
        context: Context | Sequence[Context] = NO_CONTEXT,
    ) -> Awaitable[list[Score]]:
        """A score for each trajectory; a failed one is NaN with a reason."""
        self._shared.budget.check_score(self._bound.get(role, role))
        seed = self._next_seed()
        if context is NO_CONTEXT:
            requests = [
                ScoreRequest(trajectory, (seed + index) & _MASK) for index, trajectory in enumerate(trajectories)
            ]
        else:
            contexts = _each(context, len(trajectories))
            requests = [
                ScoreRequest(trajectory, (seed + index) & _MASK, contexts[index])
                for index, trajectory in enumerate(trajectories)
            ]
        return self._send(role, "score", requests, self._scored)

    def log_likelihood(
        self,
        trajectories: Sequence[Trajectory],
        *,
        role: str = "policy",
        sampling: Sampling | None = None,
        context: Context | Sequence[Context] = NO_CONTEXT,
    ) -> Awaitable[list[Likelihood]]:
        """How likely the last step of each trajectory is, under the policy in ``role``."""
        self._shared.budget.check()
        contexts = _each(context, len(trajectories))
        requests = [
            LikelihoodRequest(trajectory, sampling or DEFAULT_SAMPLING, contexts[index])
            for index, trajectory in enumerate(trajectories)
        ]
        return self._send(role, "log_likelihood", requests, self._judged)

    def retrieve(self, queries: Sequence[Payload], k: int, *, role: str = "retriever") -> Awaitable[list[list[Hit]]]:
        """For each query at most ``k`` hits, best first; none where retrieval failed."""
        self._shared.budget.check()
        requests = [RetrieveRequest(query, k, self.root) for query in queries]
        return self._send(role, "retrieve", requests, self._retrieved)

    def together(self, *calls: Awaitable[Any]) -> Awaitable[list[Any]]:
        """Run several calls of ``env`` at the same time; their results in the given order."""
        for call in calls:
            if not isinstance(call, Call | Composed | Once | Together):
                _discard(calls)
                raise ContractError(_NOT_A_CALL.format(type(call).__name__))
        return Together(calls)  # type: ignore[arg-type]  # checked above

    def once(
        self, name: str, roles: Sequence[str], make: Callable[["ProblemEnv"], Coroutine[Any, Any, T]]
    ) -> Awaitable[T]:
        """What ``make`` gives; made once for this problem, for all who ask by this name."""
        shared = self._shared
        bound = {role: self._bound[role] for role in roles if role in self._bound}
        sign = (name, *(f"{role}={target}" for role, target in sorted(bound.items())))
        if sign not in shared.once:
            assert shared.key is not None
            # its draws and its place in the journal are its own: they depend on nobody who asks
            key, path = shared.key.child("once", *sign), f"/once:{'|'.join(sign)}"
            env = ProblemEnv(self.problem, shared, key, bound, inner=True, path=path)
            shared.once[sign] = Once(lambda: make(env))
        return shared.once[sign]

    def finished(self, trajectory: Trajectory) -> bool:
        """Whether the trajectory is a complete answer."""
        step = trajectory.step
        return step is not None and step.finish != "step"

    def answer_key(self, trajectory: Trajectory) -> Hashable:
        """The canonical form of the trajectory's answer, ``None`` if it has none."""
        return self._shared.answer_key(trajectory)

    def random(self, *draw: int | str) -> Key:
        """The random draw named ``draw``; the same name gives the same draw."""
        return self._key.child("draw", *draw)

    def remaining(self, counter: str = "candidates") -> float:
        """What the budget still allows of a counter of ``Cost``; infinite without a limit."""
        return self._shared.budget.remaining(counter)

    def offer(self, trajectory: Trajectory, score: Score) -> None:
        """Hand over a finished trajectory."""
        if not self.finished(trajectory):
            raise ContractError("env.offer takes finished trajectories only; test with env.finished")
        self._shared.offers.append(Candidate(trajectory, score))

    def has(self, role: str) -> bool:
        """Whether the pipeline fills an optional role."""
        return role in self._bound

    def range(self, role: str = "scorer") -> tuple[float, float]:
        """Lowest and highest value that the scorer in ``role`` declares."""
        low, high = self._target(role).component.range
        return float(low), float(high)

    def visit(self, trajectory: Trajectory, visits: int) -> None:
        """Note in the trace how often the search visited a node."""
        self._shared.trace.visits[trajectory.node] = visits

    def note(self, name: str, value: float) -> None:
        """Note in the trace a figure of the whole search."""
        self._shared.trace.notes[name] = value

    @property
    def ledger(self) -> Ledger:
        """What this problem has cost so far, by role."""
        return self._shared.ledger

    @property
    def offers(self) -> Sequence[Candidate]:
        """What has been offered so far, in order."""
        return self._shared.offers

    @property
    def failures(self) -> Sequence[str]:
        """Reasons of failed calls so far, the first few."""
        return self._shared.failures

    def child(self, name: str, bound: Mapping[str, str]) -> "ProblemEnv":
        """An environment for a composite component: same budget and ledger, draws of its own."""
        key = self._key.child("child", name, self._calls)
        path = f"{self._path}/{name}@{self._calls}"
        self._calls += 1
        return ProblemEnv(self.problem, self._shared, key, bound, inner=True, path=path)

    # -- how a call goes out ------------------------------------------------------------------

    def _next_seed(self) -> int:
        self._calls += 1
        return self._key.child(self._calls).seed

    def _target(self, role: str) -> Port | Composite:
        try:
            return self._shared.roles[self._bound[role]]
        except KeyError:
            known = ", ".join(sorted(self._bound)) or "none"
            raise ContractError(f"the role '{role}' is not declared in needs; declared: {known}") from None

    def _send(self, role: str, method: str, requests: list[Any], finish: Callable[[Call[Any]], Any]) -> Awaitable[Any]:
        target = self._target(role)
        if isinstance(target, Composite):
            env = self.child(target.role, target.bound)
            return Composed(self._compose(target, method, requests, finish, env))
        journal = self._shared.journal
        if journal is None or target.role not in journal.roles:
            return Call(target, method, requests, finish)
        self._kept += 1
        return JournalledCall(target, method, requests, finish, journal, self._path, self._kept)

    async def _compose(
        self,
        target: Composite,
        method: str,
        requests: list[Any],
        finish: Callable[[Call[Any]], Any],
        env: "ProblemEnv",
    ) -> Any:
        try:
            results = await getattr(target.component, method)(requests, env)
            outcomes = checked(target.component, method, requests, results)
        except BudgetExhausted:
            raise
        except PLUGIN_ERRORS as error:  # a composite may raise anything; its requests have failed
            outcomes = [Failure(f"{type(error).__name__}: {error}")] * len(requests)
        answered: Call[Any] = Call(target, method, requests, finish)  # type: ignore[arg-type]
        answered.outcomes = outcomes
        return finish(answered)

    # -- how its results come back ------------------------------------------------------------

    def _proposed(self, call: Call[Any], trajectories: Sequence[Trajectory], granted: int) -> list[list[Trajectory]]:
        children: list[list[Trajectory]] = []
        trace = self._shared.trace
        first = len(trace)
        tokens = 0
        retold = isinstance(call.port, Composite)  # its steps are made of what other roles wrote and were charged for
        for request, outcome in zip(call.requests, call.outcomes, strict=True):
            if isinstance(outcome, Failure):
                self._note_failure(call, outcome)
                children.append([])
                continue
            for reason in outcome.failed:  # steps that were asked for and did not come
                self._note_failure(call, Failure(reason))
            parent = request.trajectory
            steps = list(outcome.steps)
            for step in steps if not retold else ():
                tokens += step.tokens
            grown = trace.grow(parent, self._node_of(parent), steps)
            if request.context.hits:
                for child in grown:
                    trace.note_hits(child.node, request.context.hits)
            children.append(grown)
        made = len(trace) - first
        self._account(call, range(first, first + made), tokens, 0 if self._inner else made)
        if not self._inner:
            self._shared.budget.give_back_candidates(granted - made)
        children.extend([] for _ in range(len(trajectories) - len(children)))
        return children

    def _scored(self, call: Call[Any]) -> list[Score]:
        column = self._shared.trace.column(call.port.role)
        scores = []
        nodes = []
        for request, outcome in zip(call.requests, call.outcomes, strict=True):
            if isinstance(outcome, Failure):
                self._note_failure(call, outcome)
                outcome = Score(_NAN, reason=outcome.reason)
            elif outcome.reason is not None:
                self._note_failure(call, Failure(outcome.reason))
            trajectory = request.trajectory
            if trajectory.problem is self.problem:
                node = trajectory.node
                column[node] = outcome.value  # the last word counts
                nodes.append(node)
            scores.append(self._paid(outcome))
        self._account(call, nodes).reward_calls += len(call.requests)
        return scores

    def _judged(self, call: Call[Any]) -> list[Likelihood]:
        results = []
        for outcome in call.outcomes:
            if isinstance(outcome, Failure):
                self._note_failure(call, outcome)
                outcome = Likelihood(_NAN, reason=outcome.reason)
            results.append(self._paid(outcome))
        self._account(call, [request.trajectory.node for request in call.requests])
        return results

    def _paid(self, result: _Told) -> _Told:
        """A result without its usage, which has been charged: a composite that passes it on does not pay again."""
        return result._replace(usage=NO_USAGE) if self._inner else result

    def _retrieved(self, call: Call[Any]) -> list[list[Hit]]:
        for outcome in call.outcomes:
            if isinstance(outcome, Failure):
                self._note_failure(call, outcome)
        self._account(call, (0,))
        return [[] if isinstance(outcome, Failure) else list(outcome) for outcome in call.outcomes]

    def _node_of(self, trajectory: Trajectory) -> int:
        # a root of another problem begins an inner conversation (a judge's prompt, for instance)
        if trajectory.parent is None and trajectory.problem is not self.problem:
            return -1
        return trajectory.node

    def _account(self, call: Call[Any], nodes: Sequence[int], tokens: int = 0, candidates: int = 0) -> Cost:
        """Charge a call to its role's ledger, and to ``nodes`` in the trace."""
        cost = self._shared.ledger.of(call.port.role)
        requests = len(call.requests)
        cost.calls += requests
        cost.candidates += candidates
        cost.failed_calls += call.failed
        cost.seconds += call.seconds
        usage = _sum_usage(call.outcomes)
        if call.replayed:
            usage = usage._replace(cached_calls=usage.cached_calls + call.replayed)
        tokens += usage.generated_tokens
        cost.generated_tokens += tokens
        if usage is not NO_USAGE:
            _add_usage(cost, usage)
        self._shared.trace.charge(
            CallRecord(
                call.port.role,
                call.method,
                nodes or (0,),
                requests,
                candidates,
                call.failed,
                tokens,
                call.seconds,
                usage,
            )
        )
        return cost

    def _note_failure(self, call: Call[Any], failure: Failure) -> None:
        call.failed += 1
        if len(self._shared.failures) < _KEPT_FAILURES:
            self._shared.failures.append(f"{call.port.role}.{call.method}: {failure.reason}")


def _add_usage(cost: Cost, usage: Usage) -> None:
    cost.prompt_tokens += usage.prompt_tokens
    cost.scored_tokens += usage.scored_tokens
    cost.inner_evaluations += usage.inner_evaluations
    cost.cached_calls += usage.cached_calls


def _sum_usage(outcomes: Sequence[Any]) -> Usage:
    total = NO_USAGE
    for outcome in outcomes:
        usage = getattr(outcome, "usage", NO_USAGE)
        if usage is not NO_USAGE:  # most components report none
            total = Usage(*(left + right for left, right in zip(total, usage, strict=True)))
    return total


def _discard(calls: Sequence[Awaitable[Any]]) -> None:
    """Close coroutines that will never run, so that Python does not warn of them."""
    for call in calls:
        close = getattr(call, "close", None)
        if close is not None:
            close()


def _each(context: Context | Sequence[Context], count: int) -> Sequence[Context]:
    return [context] * count if isinstance(context, Context) else context
