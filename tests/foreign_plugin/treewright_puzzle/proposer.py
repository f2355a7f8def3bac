"""Policies that make one operation a step, drawn from a law that is known exactly."""

import math
from collections.abc import Sequence
from typing import ClassVar

from treewright_puzzle.hints import hints_for
from treewright_puzzle.law import IMPOSSIBLE, Law, Setting, Skill, law_of
from treewright_puzzle.state import State, Unreadable, count_tokens, replay, state_of
from treewright_registry import (
    Capability,
    Context,
    Finish,
    Key,
    Likelihood,
    LikelihoodRequest,
    Proposals,
    ProposeRequest,
    Sampling,
    Step,
    Trajectory,
    Usage,
    as_text,
)

PLAYER = Skill(hit=6.0, ahead=2.5, near=1.0, divisor=1.0, dull=2.0)
AMATEUR = Skill(hit=3.0, ahead=0.0, near=0.8, divisor=0.4, dull=1.0)


class Proposer:
    """Draws operations that come near the target, divide it, or win within two moves.

    One step is one operation; with sampling unit ``end`` one step is all operations up to the
    answer, and its log-probability is their sum. Siblings are drawn independently, so the same
    operation may come twice. A token is a run of characters without white space.
    ``inner_evaluations`` counts the states that were looked at one move ahead.

    Args:
        temperature: used where a request leaves it open; 0 always takes the likeliest operation.
        blunder: share of operations made blindly, in [0, 1]. Above 0, all can happen.
        retrieval: weight of a retrieved solved example, in units of log-probability.

    Raises:
        ValueError: an option is out of range.
    """

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.LOG_PROBABILITY, Capability.LOG_LIKELIHOOD})
    skill: ClassVar[Skill] = PLAYER

    def __init__(self, *, temperature: float = 1.0, blunder: float = 0.05, retrieval: float = 2.0) -> None:
        if not 0.0 <= temperature < math.inf:
            raise ValueError(f"temperature must be 0 or more, not {temperature!r}")
        if not 0.0 <= blunder <= 1.0:
            raise ValueError(f"blunder must be in [0, 1], not {blunder!r}")
        if not math.isfinite(retrieval):
            raise ValueError(f"retrieval must be a finite number, not {retrieval!r}")
        self.temperature, self.blunder, self.retrieval = temperature, blunder, retrieval

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        """Up to ``n`` steps each; none where the game is over or the text is no game."""
        return [self._propose(request) for request in requests]

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        """The exact log-probability of the operations in each last step.

        Minus infinity for a step that this policy cannot make; NaN, with the reason, where
        there is no step or where what stands before it is no game.
        """
        return [self._likelihood(request) for request in requests]

    def _propose(self, request: ProposeRequest) -> Proposals:
        try:
            state = state_of(request.trajectory)
        except Unreadable:
            return Proposals(())
        if state.over or request.trajectory.finished:
            return Proposals(())
        game = _Game(self, request.sampling, request.context)
        steps = [game.play(state, request.key(index)) for index in range(request.n)]
        return Proposals(steps, game.usage(request.trajectory))

    def _likelihood(self, request: LikelihoodRequest) -> Likelihood:
        step, before = request.trajectory.step, request.trajectory.parent
        if step is None or before is None:
            return Likelihood(math.nan, reason="the trajectory has no step")
        text = as_text(step.content)
        tokens = count_tokens(text)
        try:
            state = state_of(before)
        except Unreadable as error:
            return Likelihood(math.nan, tokens, f"the steps before it are no game: {error}")
        game = _Game(self, request.sampling, request.context)
        value = game.log_likelihood(state, text)
        return Likelihood(value, tokens, usage=game.usage(before, scored=tokens))


class Drafter(Proposer):
    """A weaker and cheaper ``Proposer``: it does not look ahead.

    Args:
        temperature: used where a request leaves it open; 0 always takes the likeliest operation.
        blunder: share of operations made blindly, in [0, 1]. Above 0, all can happen.
        retrieval: weight of a retrieved solved example, in units of log-probability.
    """

    skill: ClassVar[Skill] = AMATEUR


class _Game:
    """One request being answered; it counts what that costs."""

    def __init__(self, policy: Proposer, sampling: Sampling, context: Context) -> None:
        temperature = policy.temperature if sampling.temperature is None else sampling.temperature
        top_p = 1.0 if sampling.top_p is None else sampling.top_p
        self._setting = Setting(policy.blunder, temperature, top_p)
        self._policy, self._sampling, self._hits = policy, sampling, context.hits
        self._looks = 0

    def play(self, state: State, key: Key) -> Step:
        """One operation, or all until the end."""
        limit = math.inf if self._sampling.max_tokens is None else self._sampling.max_tokens
        text, tokens, total = "", 0, 0.0
        for move in range(len(state.values)):
            operation, log_probability = self._law(state).draw(key.child(move))
            after = state.do(operation)
            line = after.line(operation)
            if tokens + count_tokens(line) > limit:
                return Step(text, total, tokens, "length")
            state, text, total = after, text + line, total + log_probability
            tokens += count_tokens(line)
            if state.over or self._sampling.unit == "step":
                break
        finish: Finish = "stop" if state.over else "step"
        return Step(text, total, tokens, finish)

    def log_likelihood(self, state: State, text: str) -> float:
        """The sum over the operations written in ``text``."""
        try:
            played = replay(state, text)
        except Unreadable:
            return IMPOSSIBLE
        total = 0.0
        for operation, after in played:
            total += self._law(state).log_probability(operation)
            state = after
        return total

    def usage(self, before: Trajectory, scored: int = 0) -> Usage:
        """What was read, judged and looked at."""
        read = count_tokens(as_text(before.problem.prompt)) + count_tokens(before.text)
        read += sum(count_tokens(as_text(hit.content)) for hit in self._hits)
        return Usage(read, scored_tokens=scored, inner_evaluations=self._looks)

    def _law(self, state: State) -> Law:
        hints = hints_for(state, self._hits, self._policy.retrieval) if self._hits else None
        law = law_of(state, self._policy.skill, self._setting, hints)
        self._looks += law.looks
        return law
