r"""What R2 shows a model: records like the problem (coarse), and steps like the one that is about to be written (fine).

    coarse, once a problem:
        T ← template of the problem, by the policy itself; or the problem, which the knowledge base masks by rule as it
            masked its records, so that both sides are compared in one form
        facts whose terms stand in the problem;  k problem-answer pairs nearest to T
    fine, once a prefix, for the step that follows it:
        q ← the policy's likeliest next step with the coarse records and no example       ("first try")
        the m steps nearest to q, each with its problem and the steps before it, if similarity ≥ threshold

Sources: two levels of retrieval, and that policy and reward model both see them, from R2-LLMs (arXiv 2507.05557), of
which the abstract alone was read: no value here is that paper's. First try, one example and the threshold of 0.7 are
BoostStep's (arXiv 2501.03226, released code), there for TF-IDF cosines. Facts by their terms and all other numbers are
ours. Every call goes through the environment and is paid for; what is made once for a problem or a prefix is shared.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, NamedTuple, TypeAlias

from treewright_math.r2.template import INSTRUCTION, parsed
from treewright_math.retrieval.problem_records import Level, level_of_example
from treewright_math.retrieval.same_problem import tells_problem
from treewright_math.retrieval.withheld import withheld_before
from treewright_registry import (
    NO_CONTEXT,
    ConfigurationError,
    Context,
    Env,
    Hit,
    Need,
    Problem,
    Sampling,
    Trajectory,
    as_text,
)

TemplateBy: TypeAlias = Literal["policy", "rule"]
_TEMPLATE_TOKENS = 300
_LEVELS: dict[str, Level] = {"problems": "problems", "steps": "steps"}  # role → what its records must be


class Coarse(NamedTuple):
    """Settings of the coarse level.

    Attributes:
        template: who makes the template.
        problems: pairs shown, 0 for none.
        facts: facts shown, 0 for none.
    """

    template: TemplateBy
    problems: int
    facts: int

    @property
    def needs(self) -> dict[str, Need]:
        """The roles that these settings use."""
        needs = {"problems": Need("retriever")} if self.problems else {}
        if self.facts:
            needs["facts"] = Need("retriever")
        if self.problems and self.template == "policy":
            needs["model"] = Need("policy")
        return needs


class Fine(NamedTuple):
    """Settings of the fine level.

    Attributes:
        steps: examples shown, 0 for none.
        threshold: similarity that an example must have; above 1 there can be none.
    """

    steps: int
    threshold: float

    @property
    def used(self) -> bool:
        """Whether any example could come of it; if not, no first try is paid for."""
        return self.steps > 0 and self.threshold <= 1.0


@dataclass(slots=True)
class _Tally:
    """What is counted for one problem: records withheld, and the coarse settings of policy and reward model."""

    withheld: int = 0
    settings: dict[str, Coarse] = field(default_factory=dict)


async def note_settings(who: str, coarse: Coarse, env: Env) -> None:
    """Note ``r2_settings_differ`` in the run if policy and reward model are shown different records."""
    tally = await _tally(env)
    tally.settings[who] = coarse
    if len(set(tally.settings.values())) > 1:
        env.note("r2_settings_differ", 1.0)


def coarse_hits(coarse: Coarse, env: Env) -> Awaitable[tuple[Hit, ...]]:
    """Facts, then problem-answer pairs, best first; made once for the problem.

    Records that tell the problem itself are withheld; their number is the run's note ``withheld``.
    """

    async def make(own: Env) -> tuple[Hit, ...]:
        text = as_text(own.problem.prompt)
        facts = await _retrieved(text, coarse.facts, "facts", own)
        query = await _coarse_query(text, coarse, own) if coarse.problems else ""
        return (*facts, *await _retrieved(query, coarse.problems, "problems", own))

    return env.once(f"math/r2 coarse {coarse!r}", list(coarse.needs), make)


def step_hits(
    fine: Fine, coarse: Coarse, prefix: Trajectory, context: Context, sampling: Sampling, env: Env
) -> Awaitable[tuple[Hit, ...]]:
    """Examples for the step that follows ``prefix``; made once for prefix, context and sampling."""
    asked = sampling._replace(temperature=0.0, top_p=None)

    async def make(own: Env) -> tuple[Hit, ...]:
        shown = context._replace(hits=(*context.hits, *await coarse_hits(coarse, own)))
        [tries] = await own.propose([prefix], 1, role="model", sampling=asked, context=shown)
        step = tries[0].step if tries else None
        query = as_text(step.content).strip() if step is not None else ""
        if not query:
            return ()
        hits = await _retrieved(query, fine.steps, "steps", own)
        return tuple(hit for hit in hits if hit.similarity >= fine.threshold)

    name = f"math/r2 step {prefix.key.hex()} {_sign(context)} {asked!r} {fine!r} {coarse!r}"
    return env.once(name, ["model", "steps", *coarse.needs], make)


def withheld(hits: Sequence[Hit], problem: Problem) -> list[Hit]:
    """The hits without those that tell the very problem (``tells_problem``): the last guard against leaks."""
    solving = as_text(problem.prompt)
    return [hit for hit in hits if not tells_problem(as_text(hit.content), solving)]


async def _coarse_query(problem: str, coarse: Coarse, env: Env) -> str:
    """The template that the policy writes; the problem itself if the rule is to mask it, or if that is no template."""
    if coarse.template == "policy":
        sampling = Sampling("end", 0.0, None, _TEMPLATE_TOKENS)
        asked = Context(instruction=INSTRUCTION)
        [answers] = await env.propose([env.root], 1, role="model", sampling=sampling, context=asked)
        template = parsed(answers[0].text) if answers else None
        if template is not None:
            return template.query
    return problem


async def _retrieved(query: str, k: int, role: str, env: Env) -> list[Hit]:
    if not k or not query:
        return []
    [hits] = await env.retrieve([query], k, role=role)
    _check_level(hits, role)
    kept = withheld(hits, env.problem)
    tally = await _tally(env)
    tally.withheld += withheld_before(hits) + len(hits) - len(kept)
    env.note("withheld", float(tally.withheld))
    return kept


def _check_level(hits: Sequence[Hit], role: str) -> None:
    wanted = _LEVELS.get(role)
    found = {level_of_example(as_text(hit.content)) for hit in hits} - {None, wanted}
    if wanted and found:
        what = f"the retriever in role '{role}' brings {found.pop()}, and {wanted} are shown there"
        raise ConfigurationError(f"{what}\n    give it a knowledge base that was built with level={wanted}")


def _tally(env: Env) -> Awaitable[_Tally]:
    async def make(own: Env) -> _Tally:
        return _Tally()

    return env.once("math/r2 tally", [], make)


def _sign(context: Context) -> str:
    """Names a request's context; most have none."""
    if context == NO_CONTEXT:
        return "-"
    peers = [peer.key.hex() for peer in context.peers]
    return blake2b(repr((context.hits, context.instruction, peers)).encode(), digest_size=16).hexdigest()
