"""The scorer ``math/r2-scorer``: a reward model that is shown the same problem-level records as the policy."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from treewright_math.r2.guidance import Coarse, TemplateBy, coarse_hits, note_settings
from treewright_registry import Capability, ConfigurationError, Env, Need, Score, ScoreRequest


class R2Scorer:
    """Passes every request on to ``reward``, with the records that ``math/r2-policy`` shows its model.

    With the same settings and roles as the policy's they are the very same records, retrieved once for both; with other
    settings the run notes ``r2_settings_differ``. Roles:
    ``reward`` judges; ``problems``, ``facts`` and, for the template, ``model`` as in the policy. Analogous steps are
    not shown: a solution that is judged has had many of them.

    Args:
        template, problems, facts: as in ``math/r2-policy``.
        low, high: the reward model's range.
        link: what its value is.
        step_scores: it gives each step a score.

    Raises:
        ValueError: a number is negative, or the range is empty.
    """

    level: ClassVar[Literal["step"]] = "step"
    needs: ClassVar[Mapping[str, Need]] = {"reward": Need("scorer", frozenset({Capability.PARTIAL}))}

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """The reward model, and what the template and the records come from."""
        coarse = Coarse(options.get("template", "policy"), options.get("problems", 3), options.get("facts", 0))
        return {**coarse.needs, "reward": Need("scorer", R2Scorer.capabilities_for(options))}

    @staticmethod
    def capabilities_for(options: Mapping[str, Any]) -> frozenset[str]:
        """What the reward model is said to be able to do."""
        steps = {Capability.STEP_SCORES} if options.get("step_scores", True) else set()
        return frozenset({Capability.PARTIAL, *steps})

    def __init__(
        self,
        *,
        template: TemplateBy = "policy",
        problems: int = 3,
        facts: int = 0,
        low: float = 0.0,
        high: float = 1.0,
        link: Literal["probability", "logit", "real"] = "probability",
        step_scores: bool = True,
    ) -> None:
        if min(problems, facts) < 0 or not low < high:
            raise ValueError(f"problems ({problems}) and facts ({facts}) must not be negative, low ({low}) below high")
        self._coarse = Coarse(template, problems, facts)
        self.range = (low, high)
        self.link = link
        self.capabilities = self.capabilities_for({"step_scores": step_scores})

    async def score(self, requests: Sequence[ScoreRequest], env: Env) -> list[Score]:
        """The reward model's scores, with the records before the problem."""
        if env.range("reward") != self.range:
            low, high = env.range("reward")
            what = f"the reward model scores from {low:g} to {high:g}, math/r2-scorer declares {self.range}"
            raise ConfigurationError(f"{what}\n    write  low: {low}, high: {high}  in its block")
        await note_settings("scorer", self._coarse, env)
        coarse = await coarse_hits(self._coarse, env)
        contexts = [
            request.context._replace(hits=(*request.context.hits, *coarse))
            if request.trajectory.problem is env.problem
            else request.context
            for request in requests
        ]
        return await env.score([request.trajectory for request in requests], role="reward", context=contexts)
