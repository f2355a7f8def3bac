"""Diverse verifier tree search (DVTS): independent greedy subtrees instead of one shared beam.

    for each of n/m subtrees, in parallel, until its prefix is finished:
        draw m candidate steps for the prefix; score them (``lookahead`` steps further on)
        prefix ← the best of them
    emit all m candidates of the subtree's last round: n answers in all

Subtrees never exchange anything, so a scorer that is wrong early misleads one of them and not all.
With m = 1 it is n independent samples, step by step.

Source: huggingface/search-and-learn, ``diverse_verifier_tree_search.py`` (beam width m 4, 40
iterations, temperature 0.8; the last iteration writes to the end). There the candidates of the last
round that are no complete answers are emitted as they stand; here each of them is written to its end,
because an answer of this engine is complete. n = 16 is ours, and so is the last word of a search that the budget cuts
short (``last_word``).

Needs a policy that proposes steps, and a scorer that judges unfinished trajectories.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright.searches.last_word import Beginning, finish_best, next_steps, only_one_left
from treewright.searches.lookahead import foreseen
from treewright.searches.step_scores import StepRule, combined, scorer_need
from treewright_registry import TO_END, Capability, Env, Need, Problem, Sampling, Score, Trajectory


class Dvts:
    """Diverse verifier tree search.

    Args:
        n: how many answers; a multiple of ``branch``.
        branch: candidate steps m of each round of a subtree.
        depth: most steps of an answer; the last of them goes to the answer's end.
        temperature: sampling temperature; ``None`` leaves the policy's own.
        lookahead: greedy steps written ahead to judge a step; they count as candidates.
        step_scores: how a partial answer's score is made of its steps' scores; ``own``: as the
            scorer does (search-and-learn uses ``last``).
    """

    needs: ClassVar[Mapping[str, Need]] = {
        "policy": Need("policy"),
        "scorer": Need("scorer", frozenset({Capability.PARTIAL})),
    }

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """The roles, with the step scores that the options ask for."""
        return {**Dvts.needs, "scorer": scorer_need(options, Capability.PARTIAL)}

    def __init__(
        self,
        *,
        n: int = 16,
        branch: int = 4,
        depth: int = 40,
        temperature: float | None = None,
        lookahead: int = 0,
        step_scores: StepRule = "own",
    ) -> None:
        if min(n, branch, depth) < 1 or lookahead < 0:
            raise ValueError(
                f"n, branch and depth must be at least 1 and lookahead at least 0, not {n}, {branch}, {depth} and"
                f" {lookahead}"
            )
        if n % branch:
            raise ValueError(f"n must be a multiple of branch: {n} answers cannot come from subtrees of {branch}")
        self.subtrees = n // branch
        self.branch = branch
        self.depth = depth
        self.temperature = temperature
        self.lookahead = lookahead
        self.step_scores = step_scores

    async def search(self, problem: Problem, env: Env) -> None:
        """Round after round: all live subtrees draw, score and step on together."""
        subtrees = [Beginning(env.root)] * self.subtrees
        siblings: list[Trajectory] = []  # unfinished candidates of last rounds
        answered = False
        for depth in range(1, self.depth + 1):
            if not answered and only_one_left(env):
                await finish_best(env, subtrees, temperature=self.temperature, step_scores=self.step_scores)
                return
            unit = TO_END if depth == self.depth else Sampling()
            sampling = unit._replace(temperature=self.temperature)
            prefixes = [subtree.trajectory for subtree in subtrees]
            grown = await next_steps(env, prefixes, self.branch, sampling=sampling, answered=answered)
            families = [family for family in grown if family]
            subtrees = []
            for family, scores in zip(families, await self._judge(families, env), strict=True):
                best = max(range(len(family)), key=lambda index: scores[index].rank)  # ties: proposed first
                if not env.finished(family[best]):
                    rank = scores[best].rank
                    subtrees += [Beginning(family[best], rank)] if rank > float("-inf") else []
                else:
                    siblings += _emit(family, scores, env)
                    answered = True
            if not subtrees:
                break
        await self._complete(siblings, env)

    async def _judge(self, families: Sequence[Sequence[Trajectory]], env: Env) -> list[Sequence[Score]]:
        """The scores of each family."""
        flat = [child for family in families for child in family]
        scores = iter(await foreseen(flat, self.lookahead, self.step_scores, env))
        return [[next(scores) for _ in family] for family in families]

    async def _complete(self, siblings: Sequence[Trajectory], env: Env) -> None:
        if not siblings:
            return
        families = await env.propose(siblings, 1, sampling=TO_END._replace(temperature=self.temperature))
        answers = [family[0] for family in families if family and env.finished(family[0])]
        scores = await env.score(answers)
        _emit(answers, combined(scores, self.step_scores), env)


def _emit(family: Sequence[Trajectory], scores: Sequence[Score], env: Env) -> list[Trajectory]:
    """Offer the finished; those that are not, to be completed."""
    for child, score in zip(family, scores, strict=True):
        if env.finished(child):
            env.offer(child, score)
    return [child for child in family if not env.finished(child)]
