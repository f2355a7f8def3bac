"""Asks a critic for reviews and verdicts, through the engine: no call bypasses its budget, ledger or journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Literal, NamedTuple

from treewright_math.generative_readers.review_format import ReviewFormat
from treewright_math.generative_readers.verdict import answered, from_likelihoods, written
from treewright_registry import Env, Problem, Sampling, Step, Trajectory, as_text

CRITIC = "critic"
_VERDICT_TOKENS = 8
_OWN_LAW = Sampling(temperature=1.0, top_p=1.0)  # the verdict is the model's, not that of a sharpened law


class Question(NamedTuple):
    """What is to be reviewed.

    Attributes:
        problem: the problem's text.
        steps: reasoning steps up to the one in question.
        reviews: of the earlier steps, where the format has them.
    """

    problem: str
    steps: tuple[str, ...]
    reviews: tuple[str, ...] = ()


class Review(NamedTuple):
    """A review and its verdict.

    Attributes:
        text: what the critic wrote, from its opening to before its verdict.
        probability: that what was reviewed is right.
        whole: the review with a verdict, as a turn of the chat.
    """

    text: str
    probability: float
    whole: str


class Reviewing:
    """One way to have reviews written.

    Args:
        style: the critic's format.
        reading: ``likelihood`` weighs both verdicts against each other, ``text`` takes what the critic writes.
        samples: reviews for each question.
        sampling: how they are drawn.
    """

    def __init__(
        self, style: ReviewFormat, reading: Literal["likelihood", "text"], samples: int, sampling: Sampling
    ) -> None:
        self.style, self.reading, self.samples, self.sampling = style, reading, samples, sampling

    async def review(self, questions: Sequence[Question], env: Env) -> list[list[Review]]:
        """Up to ``samples`` reviews of each question; none where the critic wrote none."""
        begun = [self._begun(question, env.problem.id) for question in questions]
        drawn = await env.propose(begun, self.samples, role=CRITIC, sampling=self.sampling)
        flat = [
            (owner, path, _last(path)) for owner, paths in enumerate(drawn) for path in paths if path.step is not None
        ]
        verdicts = await self._verdicts([(begun[owner], text) for owner, _, text in flat], env)
        reviews: list[list[Review]] = [[] for _ in questions]
        for (owner, _, text), probability in zip(flat, verdicts, strict=True):
            if probability is not None:
                reviews[owner].append(self._review(_last(begun[owner]) + self._cut(text), probability))
        return reviews

    def _begun(self, question: Question, problem_id: str) -> Trajectory:
        """The conversation, with the assistant's message opened."""
        messages = self.style.conversation(question.problem, question.steps, question.reviews)
        digest = hashlib.sha256(json.dumps(messages).encode()).hexdigest()[:16]
        root = Trajectory(Problem(f"{problem_id}/{digest}", {"messages": messages}))
        return root.extend(Step(self.style.opening(len(question.steps))))

    async def _verdicts(self, reviews: Sequence[tuple[Trajectory, str]], env: Env) -> list[float | None]:
        if not reviews:
            return []
        asked = [begun.extend(Step(self._cut(text) + self.style.closing)) for begun, text in reviews]
        if self.reading == "likelihood":
            return await self._weighed(asked, env)
        found = [written(self.style, text) for _, text in reviews]
        open_ones = [index for index, verdict in enumerate(found) if verdict is None]
        for index, verdict in zip(open_ones, await self._answers([asked[i] for i in open_ones], env), strict=True):
            found[index] = verdict
        return found

    async def _weighed(self, asked: Sequence[Trajectory], env: Env) -> list[float | None]:
        gap = self.style.gap
        both = [path.extend(Step(word)) for path in asked for word in (gap + self.style.good, gap + self.style.bad)]
        likely = await env.log_likelihood(both, role=CRITIC, sampling=_OWN_LAW)
        return [from_likelihoods(good, bad) for good, bad in zip(likely[::2], likely[1::2], strict=True)]

    async def _answers(self, asked: Sequence[Trajectory], env: Env) -> list[float | None]:
        if not asked:
            return []
        greedy = Sampling(unit="end", temperature=0.0, max_tokens=_VERDICT_TOKENS)
        drawn = await env.propose(asked, 1, role=CRITIC, sampling=greedy)
        return [answered(self.style, _last(paths[0])) if paths else None for paths in drawn]

    def _cut(self, text: str) -> str:
        """The review up to where its verdict would follow."""
        places = [place for end in self.style.ends if (place := text.find(end)) >= 0]
        return text[: min(places)] if places else text

    def _review(self, text: str, probability: float) -> Review:
        word = self.style.good if probability >= 0.5 else self.style.bad
        return Review(text, probability, text + self.style.closing + self.style.gap + word + self.style.signed)


def _last(path: Trajectory) -> str:
    return "" if path.step is None else as_text(path.step.content)
