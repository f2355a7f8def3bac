r"""Budget forcing: the length of a thinking phase, controlled from outside.

    think, at most ``thinking_tokens``, until the model wants to stop thinking
    ``ignore`` times: append "Wait" and think on with the tokens that are left (at least one)
    append the end-of-thinking delimiter and let the model answer

One sample, no reward. Source: simplescaling/s1 (arXiv 2501.19393), README: 32000 thinking tokens, the
stop ignored once, "Wait", temperature 0. There the delimiter comes from the model's chat format and the
answer is asked for by going on; the delimiter here defaults to the format of most thinking models.

A composite policy. The inner role ``model`` must end its generation where thinking ends: with
``language/openai``, ``stop: ["</think>"]``. Whole answers only: one step holds thinking, delimiter and
answer, whatever unit a search asks for. What was appended is no sample, so the step's log-probability,
where the model gives one, is the sum over what the model wrote.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import ClassVar, NamedTuple

from treewright_registry import Env, Need, Proposals, ProposeRequest, Sampling, Step, Trajectory, as_text


class Draft(NamedTuple):
    """One sample under way.

    Attributes:
        trajectory: the request's, with what has been written since.
        pieces: what has been written, what was appended included.
        stopped: whether the model itself ended the last piece (else it was cut off).
    """

    trajectory: Trajectory
    pieces: tuple[Step, ...] = ()
    stopped: bool = True

    @property
    def tokens(self) -> int:
        """How many the model has written."""
        return sum(piece.tokens for piece in self.pieces)

    def append(self, text: str) -> "Draft":
        """The draft with text that no model wrote."""
        piece = Step(text, 0.0)
        return Draft(self.trajectory.extend(piece, self.trajectory.node), (*self.pieces, piece), self.stopped)

    def go_on(self, written: Trajectory) -> "Draft":
        """The draft with what the model wrote next."""
        step = written.step
        assert step is not None
        # where the model ends its generation is no end of the answer
        trajectory = self.trajectory.extend(step._replace(finish="step"), written.node)
        return Draft(trajectory, (*self.pieces, step), step.finish == "stop")

    def answer(self) -> Step:
        """All pieces as one step, finished as its last piece was."""
        known = [piece.log_probability for piece in self.pieces if piece.log_probability is not None]
        likely = sum(known) if len(known) == len(self.pieces) else None
        text = "".join(as_text(piece.content) for piece in self.pieces)
        return Step(text, likely, self.tokens, "stop" if self.stopped else "length")


class BudgetForcing:
    """Makes a thinking model think longer, or stop.

    Args:
        thinking_tokens: most tokens of the thinking phase, over all its parts.
        ignore: how often the model's wish to stop thinking is ignored (the s1 evaluation tries 1, 2, 4, 6).
        continuation: what is appended instead (the s1 evaluation tries "", Wait, Hmm, Alternatively).
        end_of_thinking: appended when thinking is over, e.g. with "Final Answer:" after it.
        answer_tokens: most tokens of the answer; ``None`` leaves the model's own.
        temperature: sampling temperature where the search asks for none; ``None`` leaves the model's own.
    """

    needs: ClassVar[Mapping[str, Need]] = {"model": Need("policy")}

    def __init__(
        self,
        *,
        thinking_tokens: int = 32000,
        ignore: int = 1,
        continuation: str = "Wait",
        end_of_thinking: str = "\n</think>\n\n",
        answer_tokens: int | None = None,
        temperature: float | None = None,
    ) -> None:
        if thinking_tokens < 1 or ignore < 0:
            raise ValueError(
                f"thinking_tokens must be at least 1 and ignore at least 0, not {thinking_tokens} and {ignore}"
            )
        self.thinking_tokens = thinking_tokens
        self.ignore = ignore
        self.continuation = continuation
        self.end_of_thinking = end_of_thinking
        self.answer_tokens = answer_tokens
        self.temperature = temperature

    async def propose(self, requests: Sequence[ProposeRequest], env: Env) -> list[Proposals]:
        """Think, think on, answer; ``n`` samples of each request."""
        return [Proposals(await self._samples(request, env)) for request in requests]

    async def _samples(self, request: ProposeRequest, env: Env) -> list[Step]:
        total = inf if request.sampling.max_tokens is None else request.sampling.max_tokens
        thinking = min(self.thinking_tokens, total)
        [children] = await env.propose(
            [request.trajectory],
            request.n,
            role="model",
            sampling=self._sampling(request, thinking),
            context=request.context,
        )
        drafts = {number: Draft(request.trajectory).go_on(child) for number, child in enumerate(children)}
        for _ in range(self.ignore):
            again = {i: draft for i, draft in drafts.items() if draft.stopped and draft.tokens < thinking}
            longer = {i: draft.append(self.continuation) for i, draft in again.items()}
            over = {i: draft for i, draft in drafts.items() if i not in again}
            drafts = over | await self._write(longer, thinking, self.thinking_tokens, request, env)
        closed = {i: draft.append(self.end_of_thinking) for i, draft in drafts.items()}
        answer_tokens = inf if self.answer_tokens is None else self.answer_tokens
        answered = await self._write(closed, total, answer_tokens, request, env)
        return [answered[i].answer() for i in sorted(answered)]

    async def _write(
        self, drafts: Mapping[int, Draft], total: float, at_most: float, request: ProposeRequest, env: Env
    ) -> dict[int, Draft]:
        """Each draft with what the model writes next: up to ``total`` tokens with what it has, ``at_most`` now.

        A draft whose call failed is lost.
        """
        calls = [
            env.propose(
                [draft.trajectory],
                role="model",
                sampling=self._sampling(request, min(at_most, total - draft.tokens)),
                context=request.context,
            )
            for draft in drafts.values()
        ]
        results = await env.together(*calls)
        return {
            i: draft.go_on(child)
            for (i, draft), [children] in zip(drafts.items(), results, strict=True)
            for child in children
        }

    def _sampling(self, request: ProposeRequest, tokens: float) -> Sampling:
        asked = request.sampling
        temperature = self.temperature if asked.temperature is None else asked.temperature
        limit = None if tokens == inf else max(1, int(tokens))
        return asked._replace(unit="end", temperature=temperature, max_tokens=limit)
