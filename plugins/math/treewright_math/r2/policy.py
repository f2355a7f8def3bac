"""The policy ``math/r2-policy``: a policy that is shown records like the problem, and steps like the next one.

R2-LLMs puts it into a Monte-Carlo tree search; any other search takes it as well. What is retrieved, from where the
method comes and whose the defaults are stands in ``guidance``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from treewright_math.r2.guidance import Coarse, Fine, TemplateBy, coarse_hits, note_settings, step_hits
from treewright_registry import (
    Capability,
    Context,
    Env,
    Likelihood,
    LikelihoodRequest,
    Need,
    Proposals,
    ProposeRequest,
    Sampling,
    Trajectory,
)

_LIKELIHOODS = frozenset({Capability.LOG_PROBABILITY, Capability.LOG_LIKELIHOOD})
T = TypeVar("T", ProposeRequest, LikelihoodRequest)


class R2Policy:
    """Passes every request on to ``model``, with retrieved records before the problem.

    Roles: ``model`` writes; ``problems`` finds worked problems, ``steps`` steps of solutions, ``facts`` facts. A role
    is needed only if its number is not 0; all three at 0 leave the model as it is. The draws of a step do not depend on
    what is retrieved: two settings that find the same records give the same steps.

    Args:
        template: who makes the abstract template that similar problems are found by: ``policy`` asks the model once a
            problem, for at most 300 tokens, and falls back on the rule if what it writes cannot be read; ``rule`` hands
            on the problem, which a knowledge base built ``by=template`` masks as it masked its records, and costs
            nothing.
        problems: problem-answer pairs shown with every request (3, ours).
        steps: analogous steps shown where a step is asked for (1, as in BoostStep); each new prefix costs a first try
            of the model, its likeliest step. Requests for a whole rest of an answer get none.
        threshold: similarity from which an analogous step is shown, at most 1 for a cosine (0.7, as in BoostStep, there
            of TF-IDF vectors); above 1 there are none, and no first try is made.
        facts: facts shown with every request (0, ours).
        likelihoods: the model tells log-probabilities of its own and of given steps, and so does this policy: for
            ``core/specs``, ``core/gsi`` and PUCT.

    Raises:
        ValueError: a number is negative.
    """

    needs: ClassVar[Mapping[str, Need]] = {"model": Need("policy")}

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """The model, and the retrievers whose number is not 0."""
        coarse, fine = _settings(options)
        able = _LIKELIHOODS if options.get("likelihoods") else frozenset()
        steps = {"steps": Need("retriever")} if fine.used else {}
        return {**coarse.needs, **steps, "model": Need("policy", able)}

    @staticmethod
    def capabilities_for(options: Mapping[str, Any]) -> frozenset[str]:
        """Log-probabilities, if the model has them."""
        return _LIKELIHOODS if options.get("likelihoods") else frozenset()

    def __init__(
        self,
        *,
        template: TemplateBy = "policy",
        problems: int = 3,
        steps: int = 1,
        threshold: float = 0.7,
        facts: int = 0,
        likelihoods: bool = False,
    ) -> None:
        if min(problems, steps, facts) < 0:
            raise ValueError(f"problems, steps and facts must not be negative, not {problems}, {steps} and {facts}")
        self._coarse, self._fine = Coarse(template, problems, facts), Fine(steps, threshold)
        self.capabilities = self.capabilities_for({"likelihoods": likelihoods})

    async def propose(self, requests: Sequence[ProposeRequest], env: Env) -> list[Proposals]:
        """The model's steps for each request, drawn with the records before it."""
        groups = _grouped(requests, lambda request: (request.n, request.sampling))
        answers: dict[int, Proposals] = {}
        for (n, sampling), places in groups.items():
            paths = [requests[place].trajectory for place in places]
            contexts = await self._contexts(paths, [requests[place].context for place in places], sampling, env)
            families = await env.propose(paths, n, role="model", sampling=sampling, context=contexts)
            for place, children in zip(places, families, strict=True):
                answers[place] = Proposals([child.step for child in children if child.step is not None])
        return [answers[place] for place in range(len(requests))]

    async def log_likelihood(self, requests: Sequence[LikelihoodRequest], env: Env) -> list[Likelihood]:
        """How likely each given step is for the model, with the records that it would be shown before that step."""
        answers: dict[int, Likelihood] = {}
        for sampling, places in _grouped(requests, lambda request: request.sampling).items():
            paths = [requests[place].trajectory for place in places]
            before = [path.parent or path for path in paths]
            contexts = await self._contexts(before, [requests[place].context for place in places], sampling, env)
            told = await env.log_likelihood(paths, role="model", sampling=sampling, context=contexts)
            answers.update(zip(places, told, strict=True))
        return [answers[place] for place in range(len(requests))]

    async def _contexts(
        self, prefixes: Sequence[Trajectory], contexts: Sequence[Context], sampling: Sampling, env: Env
    ) -> list[Context]:
        """Each request's own context with coarse records and step examples behind its hits."""
        if any(prefix.problem is not env.problem for prefix in prefixes):
            return list(contexts)  # a conversation of another component: not this problem's
        await note_settings("policy", self._coarse, env)
        coarse = await coarse_hits(self._coarse, env)
        examples: list[Any] = [()] * len(prefixes)
        if self._fine.used and sampling.unit == "step":
            asked = zip(prefixes, contexts, strict=True)
            examples = await env.together(
                *(step_hits(self._fine, self._coarse, prefix, context, sampling, env) for prefix, context in asked)
            )
        return [
            context._replace(hits=(*context.hits, *coarse, *steps))
            for context, steps in zip(contexts, examples, strict=True)
        ]


def _settings(options: Mapping[str, Any]) -> tuple[Coarse, Fine]:
    coarse = Coarse(options.get("template", "policy"), options.get("problems", 3), options.get("facts", 0))
    return coarse, Fine(options.get("steps", 1), options.get("threshold", 0.7))


def _grouped(requests: Sequence[T], key: Any) -> dict[Any, list[int]]:
    """Places of requests that can go in one call, in order."""
    groups: dict[Any, list[int]] = {}
    for place, request in enumerate(requests):
        groups.setdefault(key(request), []).append(place)
    return groups
