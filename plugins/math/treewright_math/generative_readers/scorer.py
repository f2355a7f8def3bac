"""Scorer ``math/generative-prm``: a language model reviews an answer's steps in writing, and judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, NamedTuple

from treewright_math.generative_readers.genprm import GENPRM
from treewright_math.generative_readers.review_format import ReviewFormat
from treewright_math.generative_readers.reviewing import CRITIC, Question, Review, Reviewing
from treewright_math.generative_readers.thinkprm import THINKPRM
from treewright_math.generative_readers.verdict import on_steps
from treewright_math.reward_readers.aggregation import Aggregation, aggregated
from treewright_math.step_splitting import Piece, per_step, pieces_of
from treewright_registry import Capability, Env, Need, Sampling, Score, ScoreRequest, as_text

FORMATS: Final[Mapping[str, ReviewFormat]] = {style.name: style for style in (GENPRM, THINKPRM)}
_NAN = float("nan")


class Case(NamedTuple):
    """An answer under review.

    Attributes:
        problem: the problem's text.
        pieces: its reasoning steps.
        depth: how many steps the trajectory has.
    """

    problem: str
    pieces: tuple[Piece, ...]
    depth: int


class GenerativePrm:
    """Has a critic review reasoning steps, and takes its verdict as their score.

    The critic is the pipeline's role ``critic``: any policy that continues an assistant's message that has been begun
    for it (``language/transformers``; ``language/openai`` with ``continuation: message``, or ``api: completions``). Its
    reviews are drawn to their end, so a stop string at the review's end (``</analyze>``) saves tokens. Code that a
    critic writes is never run.

    Args:
        format: ``genprm`` reviews step by step, ``thinkprm`` all steps at once.
        reading: ``likelihood`` weighs the two verdicts' probabilities against each other, and needs a critic that can
            tell them; ``text`` takes the verdict that the critic writes: 1, 0, or one half for none.
        samples: reviews that are averaged; ``null`` takes the authors' number.
        temperature: of the reviews; ``null`` takes the authors'.
        max_tokens: longest review; longer ones are cut there, and judged.
        aggregation: an answer's value from its steps', where they are reviewed one by one.
        split: where steps of the policy are cut into reasoning steps; ``""`` takes each as it is.
    """

    level: ClassVar[Literal["step", "outcome"]] = "step"
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    link: ClassVar[Literal["probability", "logit", "real"]] = "probability"
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.PARTIAL, Capability.STEP_SCORES})
    needs: ClassVar[Mapping[str, Need]] = {CRITIC: Need("policy", frozenset({Capability.LOG_LIKELIHOOD}))}

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """A critic that tells likelihoods, unless its verdicts are read as text."""
        able = frozenset() if options.get("reading") == "text" else frozenset({Capability.LOG_LIKELIHOOD})
        return {CRITIC: Need("policy", able)}

    def __init__(
        self,
        *,
        format: Literal["genprm", "thinkprm"] = "genprm",
        reading: Literal["likelihood", "text"] = "likelihood",
        samples: int | None = None,
        temperature: float | None = None,
        max_tokens: int = 2048,
        aggregation: Literal["min", "product", "last", "mean", "geometric"] = "min",
        split: str = "\n\n",
    ) -> None:
        style = FORMATS[format]
        number = style.samples if samples is None else samples
        if number < 1 or max_tokens < 1:
            raise ValueError(f"samples and max_tokens must be at least 1, not {number} and {max_tokens}")
        warmth = style.temperature if temperature is None else temperature
        self._style = style
        self._rule: Aggregation = aggregation
        self._split = split
        self._reviewing = Reviewing(style, reading, number, Sampling("end", warmth, None, max_tokens))

    async def score(self, requests: Sequence[ScoreRequest], env: Env) -> list[Score]:
        """A score for each request; what the critic costs stands in its own role."""
        cases = [self._case(request) for request in requests]
        judged = self._step_by_step if self._style.each == "step" else self._at_once
        scores = iter(await judged([case for case in cases if case.pieces], env))
        return [next(scores) if case.pieces else Score(_NAN, reason="there is no step to judge") for case in cases]

    def _case(self, request: ScoreRequest) -> Case:
        trajectory = request.trajectory
        texts = [as_text(step.content) for step in trajectory.steps]
        return Case(as_text(trajectory.problem.prompt), pieces_of(texts, self._split), len(texts))

    async def _step_by_step(self, cases: Sequence[Case], env: Env) -> list[Score]:
        """All answers' first steps together, then all second steps, …; each sees its earlier steps' first reviews."""
        scores: list[list[float]] = [[] for _ in cases]
        spoken: list[tuple[str, ...]] = [() for _ in cases]
        for number in range(max((len(case.pieces) for case in cases), default=0)):
            going = [i for i, case in enumerate(cases) if number < len(case.pieces) and len(scores[i]) == number]
            questions = [Question(cases[i].problem, _texts(cases[i].pieces[: number + 1]), spoken[i]) for i in going]
            for i, reviews in zip(going, await self._reviewing.review(questions, env), strict=True):
                if reviews:
                    scores[i].append(_mean(reviews))
                    spoken[i] = (*spoken[i], reviews[0].whole)
        return [self._score(case, values) for case, values in zip(cases, scores, strict=True)]

    def _score(self, case: Case, values: Sequence[float]) -> Score:
        if len(values) < len(case.pieces):
            return Score(_NAN, reason=f"the critic gave no verdict on reasoning step {len(values) + 1}")
        owners = [piece.owner for piece in case.pieces]
        steps = per_step(values, owners, case.depth, lambda part: aggregated(part, self._rule))
        return Score(aggregated(values, self._rule), steps)

    async def _at_once(self, cases: Sequence[Case], env: Env) -> list[Score]:
        """One round of reviews, each of all steps of an answer."""
        questions = [Question(case.problem, _texts(case.pieces)) for case in cases]
        return [
            self._summary(case, reviews)
            for case, reviews in zip(cases, await self._reviewing.review(questions, env), strict=True)
        ]

    def _summary(self, case: Case, reviews: Sequence[Review]) -> Score:
        if not reviews:
            return Score(_NAN, reason="the critic gave no verdict")
        values = on_steps(self._style, [review.text for review in reviews], len(case.pieces))
        owners = [piece.owner for piece in case.pieces]
        return Score(_mean(reviews), per_step(values, owners, case.depth, min))


def _texts(pieces: Sequence[Piece]) -> tuple[str, ...]:
    return tuple(piece.text for piece in pieces)


def _mean(reviews: Sequence[Review]) -> float:
    return sum(review.probability for review in reviews) / len(reviews)
