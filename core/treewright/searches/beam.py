"""Step-level beam search.

Keep the ``width`` best partial answers, extend each by ``branch`` candidate steps, keep the best
again. Finished answers leave the beam at once and free their place. With ``lookahead`` a step is
judged by where it leads. The last round that ``depth`` allows writes to the answers' ends, as in
search-and-learn; a beam that the budget cuts short ends with a last word (``last_word``).

Source: huggingface/search-and-learn, ``beam_search.py`` (beam width 4, 40 iterations, temperature
0.8). Three differences, on purpose: branching is explicit (there it arises from replicating the
survivors cyclically), a cut-off ("length") step still counts as finished but nothing is topped up
by repetition, and lookahead is real (there the text without it is scored).

Needs a policy that proposes steps, and a scorer that judges unfinished trajectories.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright.searches.last_word import Beginning, finish_best, next_steps, only_one_left
from treewright.searches.lookahead import foreseen
from treewright.searches.step_scores import StepRule, scorer_need
from treewright_registry import TO_END, Capability, Env, Need, Problem, Sampling, Score, Trajectory


class Beam:
    """Beam search over steps.

    Args:
        width: partial answers kept alive.
        branch: candidate steps drawn for each of them.
        depth: most steps of an answer; the last of them goes to the answer's end.
        temperature: sampling temperature; ``None`` leaves the policy's own.
        dedupe: keep only one of several partial answers with the same content.
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
        return {**Beam.needs, "scorer": scorer_need(options, Capability.PARTIAL)}

    def __init__(
        self,
        *,
        width: int = 4,
        branch: int = 4,
        depth: int = 40,
        temperature: float | None = None,
        dedupe: bool = True,
        lookahead: int = 0,
        step_scores: StepRule = "own",
    ) -> None:
        if min(width, branch, depth) < 1:
            raise ValueError(f"width, branch and depth must be at least 1, not {width}, {branch}, {depth}")
        if lookahead < 0:
            raise ValueError(f"lookahead must not be negative, not {lookahead}")
        self.width = width
        self.branch = branch
        self.depth = depth
        self.temperature = temperature
        self.dedupe = dedupe
        self.lookahead = lookahead
        self.step_scores = step_scores

    async def search(self, problem: Problem, env: Env) -> None:
        """Extend, score, offer the finished, keep the best."""
        beam = [Beginning(env.root)]
        answered = False
        for depth in range(1, self.depth + 1):
            if not answered and only_one_left(env):
                await finish_best(env, beam, temperature=self.temperature, step_scores=self.step_scores)
                return
            # the first round starts from one prompt: draw as many steps there as later rounds do
            branch = self.branch if len(beam) > 1 else max(self.branch, self.width)
            unit = TO_END if depth == self.depth else Sampling()
            sampling = unit._replace(temperature=self.temperature)
            prefixes = [beginning.trajectory for beginning in beam]
            families = await next_steps(env, prefixes, branch, sampling=sampling, answered=answered, offers_all=True)
            children = self._distinct([child for family in families for child in family])
            if not children:
                return
            scores = await foreseen(children, self.lookahead, self.step_scores, env)
            beam = self._survivors(children, scores, env)
            answered = answered or any(map(env.finished, children))
            if not beam:
                return

    def _distinct(self, children: list[Trajectory]) -> list[Trajectory]:
        return list({child.key: child for child in children}.values()) if self.dedupe else children

    def _survivors(self, children: Sequence[Trajectory], scores: Sequence[Score], env: Env) -> list[Beginning]:
        alive = []
        for child, score in zip(children, scores, strict=True):
            if env.finished(child):
                env.offer(child, score)
            else:
                alive.append(Beginning(child, score.rank))
        # sort is stable: among equals the one proposed first stays
        alive.sort(key=lambda beginning: -beginning.rank)
        return [beginning for beginning in alive[: self.width] if beginning.rank > float("-inf")]
