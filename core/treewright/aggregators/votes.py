"""Voting over equal answers: majority (self-consistency) and score-weighted vote.

Answers are equal if the task gives them the same canonical form. The winning class is represented
by its candidate that was offered first (search-and-learn's rule), or by its best-scored one.
Candidates without an answer do not vote, unless nobody has one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from math import fsum
from typing import Any, Literal, TypeAlias

from treewright.searches.step_scores import StepRule, aggregator_needs, rescored
from treewright_registry import Candidate, Env, Need, Problem

Ties: TypeAlias = Literal["first", "score", "random"]
Representative: TypeAlias = Literal["first", "score"]


class Vote(ABC):
    """Classes of equal answers, ordered by their summed weights."""

    def __init__(self, *, ties: Ties = "first", representative: Representative = "first") -> None:
        self.ties = ties
        self.representative = representative

    @abstractmethod
    def weight(self, candidate: Candidate) -> float | None:
        """How much a candidate's vote counts; ``None``: not at all."""

    async def aggregate(self, problem: Problem, candidates: Sequence[Candidate], env: Env) -> Sequence[Candidate]:
        """One candidate for each class of equal answers, the heaviest class first."""
        classes = _classes(candidates, env.answer_key)
        tie_break = self._tie_break(env)
        order = sorted(
            range(len(classes)),
            key=lambda index: (*self._heaviness(classes[index]), tie_break(index, classes[index])),
        )
        return [self._represent(classes[index]) for index in order]

    def _heaviness(self, members: list[Candidate]) -> tuple[bool, float]:
        """Sort key: classes with a vote that counts first, then by summed weight, heaviest first."""
        weights = [weight for weight in map(self.weight, members) if weight is not None]
        return not weights, -fsum(weights)  # exact, so that the order of offers cannot decide

    def _tie_break(self, env: Env) -> Callable[[int, list[Candidate]], float]:
        if self.ties == "score":
            return lambda index, members: -max(member.score.rank for member in members)
        if self.ties == "random":
            return lambda index, members: env.random("tie", index).uniform()
        return lambda index, members: float(index)  # classes stand in order of their first member

    def _represent(self, members: list[Candidate]) -> Candidate:
        if self.representative == "first":
            return members[0]
        return max(members, key=lambda member: member.score.rank)


class Majority(Vote):
    """Self-consistency: the answer that most candidates give.

    Args:
        ties: among equally frequent answers the one given ``first``, the one with the best
            ``score``, or a ``random`` one.
        representative: which candidate of the winning class is the answer.
    """

    def weight(self, candidate: Candidate) -> float:
        """How much a candidate's vote counts."""
        return 1.0


class WeightedVote(Vote):
    """Weighted best-of-n: the answer whose candidates' scores add up highest.

    A candidate whose score failed has no vote; answers that only such candidates give come last.

    Args:
        ties: as for the majority.
        representative: which candidate of the winning class is the answer.
        step_scores: by which score: ``own`` is the one that the search offered, the others are made of the scores
            of the answer's steps.
    """

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """Nothing, or a scorer that scores steps."""
        return aggregator_needs(options)

    def __init__(
        self, *, ties: Ties = "first", representative: Representative = "first", step_scores: StepRule = "own"
    ) -> None:
        super().__init__(ties=ties, representative=representative)
        self.step_scores = step_scores

    async def aggregate(self, problem: Problem, candidates: Sequence[Candidate], env: Env) -> Sequence[Candidate]:
        """One candidate for each class of equal answers, the heaviest class first."""
        return await super().aggregate(problem, rescored(candidates, self.step_scores), env)

    def weight(self, candidate: Candidate) -> float | None:
        """The score; nothing if scoring failed."""
        return None if candidate.score.failed else candidate.score.value


def _classes(candidates: Sequence[Candidate], answer_key: Callable[..., Hashable]) -> list[list[Candidate]]:
    keyed = [(answer_key(candidate.trajectory), candidate) for candidate in candidates]
    voters = [(key, candidate) for key, candidate in keyed if key is not None] or keyed
    classes: dict[Hashable, list[Candidate]] = {}
    for key, candidate in voters:
        classes.setdefault(key, []).append(candidate)
    return list(classes.values())
