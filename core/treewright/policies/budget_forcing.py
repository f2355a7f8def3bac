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

from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import inf
from typing import ClassVar, NamedTuple, TypeAlias

from treewright_registry import Env, Need, Proposals, ProposeRequest, Sampling, Step, Trajectory, as_text


class Draft(NamedTuple):
    """One sample under way.

    Attributes:
        request: what asked for it.
        trajectory: the request's, with what has been written since.
        pieces: what has been written, what was appended included.
        stopped: whether the model itself ended the last piece (else it was cut off).
    """

    request: ProposeRequest
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
        trajectory = self.trajectory.extend(piece, self.trajectory.node)
        return self._replace(trajectory=trajectory, pieces=(*self.pieces, piece))

    def go_on(self, written: Trajectory) -> "Draft":
        """The draft with what the model wrote next."""
        step = written.step
        assert step is not None
        # where the model ends its generation is no end of the answer
        trajectory = self.trajectory.extend(step._replace(finish="step"), written.node)
        return Draft(self.request, trajectory, (*self.pieces, step), step.finish == "stop")

    def answer(self) -> Step:
        """All pieces as one step, finished as its last piece was."""
        known = [piece.log_probability for piece in self.pieces if piece.log_probability is not None]
        likely = sum(known) if len(known) == len(self.pieces) else None
        text = "".join(as_text(piece.content) for piece in self.pieces)
        return Step(text, likely, self.tokens, "stop" if self.stopped else "length")


# by place of the request and number of the sample
Drafts: TypeAlias = Mapping[tuple[int, int], Draft]


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
        """Think, think on, answer; ``n`` samples of each request, all of them side by side."""
        drafts = await self._begin(requests, env)
        for _ in range(self.ignore):
            again = {at: each for at, each in drafts.items() if each.stopped and each.tokens < self._thinking(each)}
            longer = {at: draft.append(self.continuation) for at, draft in again.items()}
            over = {at: draft for at, draft in drafts.items() if at not in again}
            drafts = over | await self._write(longer, self._thinking, self.thinking_tokens, env)
        closed = {at: draft.append(self.end_of_thinking) for at, draft in drafts.items()}
        answered = await self._write(closed, _total, inf if self.answer_tokens is None else self.answer_tokens, env)
        steps: list[list[Step]] = [[] for _ in requests]
        for place, number in sorted(answered):
            steps[place].append(answered[place, number].answer())
        return [Proposals(of_request) for of_request in steps]

    async def _begin(self, requests: Sequence[ProposeRequest], env: Env) -> dict[tuple[int, int], Draft]:
        """Each sample with its first thoughts."""
        empty = [Draft(request, request.trajectory) for request in requests]
        families = await env.together(
            *(self._ask(draft, draft.request.n, self._thinking(draft), env) for draft in empty)
        )
        return {
            (place, number): draft.go_on(child)
            for place, (draft, [children]) in enumerate(zip(empty, families, strict=True))
            for number, child in enumerate(children)
        }

    async def _write(
        self, drafts: Drafts, total: Callable[[Draft], float], at_most: float, env: Env
    ) -> dict[tuple[int, int], Draft]:
        """Each draft with what the model writes next: up to ``total`` tokens with what it has, ``at_most`` now.

        A draft whose call failed is lost.
        """
        calls = [self._ask(draft, 1, min(at_most, total(draft) - draft.tokens), env) for draft in drafts.values()]
        results = await env.together(*calls)
        return {
            at: draft.go_on(child)
            for (at, draft), [children] in zip(drafts.items(), results, strict=True)
            for child in children
        }

    def _ask(self, draft: Draft, n: int, tokens: float, env: Env) -> Awaitable[list[list[Trajectory]]]:
        request = draft.request
        sampling = self._sampling(request, tokens)
        return env.propose([draft.trajectory], n, role="model", sampling=sampling, context=request.context)

    def _thinking(self, draft: Draft) -> float:
        """The most tokens that the thinking of a draft may have."""
        return min(self.thinking_tokens, _total(draft))

    def _sampling(self, request: ProposeRequest, tokens: float) -> Sampling:
        asked = request.sampling
        temperature = self.temperature if asked.temperature is None else asked.temperature
        limit = None if tokens == inf else max(1, int(tokens))
        return asked._replace(unit="end", temperature=temperature, max_tokens=limit)


def _total(draft: Draft) -> float:
    """The most tokens that the search allows for the whole step."""
    limit = draft.request.sampling.max_tokens
    return inf if limit is None else limit
