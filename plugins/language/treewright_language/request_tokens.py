"""Requests as tokens: what stands before a step, from which law it is drawn, and when it ends."""

from typing import NamedTuple

from treewright_language.conversation import messages_of
from treewright_language.decoding import Ending
from treewright_language.sampling_range import check_sampling
from treewright_language.token_law import Law
from treewright_language.token_text import TokenText
from treewright_registry import BlobStore, CallFailed, LikelihoodRequest, ProposeRequest, Sampling, Trajectory

Ids = tuple[int, ...]


class Settings(NamedTuple):
    """The policy's own settings, for requests that say nothing else.

    Attributes:
        instruction: system prompt; empty for none.
        sampling: all its fields are set.
        top_k: see ``Law``.
        tokens_per_step: ends a step after so many tokens; ``None`` leaves it to the delimiter.
    """

    instruction: str
    sampling: Sampling
    top_k: int | None
    tokens_per_step: int | None


class Ready(NamedTuple):
    """A request as tokens.

    Attributes:
        prompt: what stands before the assistant's answer.
        ids: prompt and steps.
        law: to draw from, or to judge by.
        ending: when its steps end.
        given: the step to be judged; empty in requests for new ones.
    """

    prompt: Ids
    ids: Ids
    law: Law
    ending: Ending
    given: Ids = ()


class RequestTokens:
    """Turns requests into tokens.

    Args:
        text: the tokenizer.
        context: most tokens of a sequence.
        settings: the policy's own.
    """

    def __init__(self, text: TokenText, context: int, settings: Settings) -> None:
        self._text = text
        self._context = context
        self._settings = settings

    def to_draw(self, request: ProposeRequest, blobs: BlobStore | None) -> Ready | str:
        """A request for steps as tokens, or why it cannot be answered."""
        try:
            check_sampling(request.sampling)
            # the steps are no message of their own: they continue the assistant's as they are
            opening = request._replace(trajectory=_root_of(request.trajectory))
            prompt = self._text.prompt(messages_of(opening, self._settings.instruction, "", blobs))
            steps = request.trajectory.steps
            ids = prompt + tuple(token for step in steps for token in self._text.step(step))
            self._check_length(prompt, len(ids) + 1)
        except (CallFailed, ValueError) as error:
            return str(error)
        return Ready(prompt, ids, self._law(request.sampling), self._ending(request.sampling, len(ids)))

    def to_judge(self, request: LikelihoodRequest, blobs: BlobStore | None) -> Ready | str:
        """What stands before a given step, and the step, as tokens; or why it cannot be judged."""
        step, before = request.trajectory.step, request.trajectory.parent
        if step is None or before is None:
            return "there is no step to judge: the trajectory is empty"
        ready = self.to_draw(ProposeRequest(before, 1, 0, request.sampling, request.context), blobs)
        if isinstance(ready, str):
            return ready
        given = self._text.step(step, last=True)
        try:
            self._check_length(ready.prompt, len(ready.ids) + len(given))
        except ValueError as error:
            return str(error)
        return ready._replace(given=given)

    def _check_length(self, prompt: Ids, tokens: int) -> None:
        if not prompt:
            raise ValueError("the prompt is empty, and a model needs something to go on from")
        if tokens > self._context:
            raise ValueError(
                f"prompt and steps take {tokens} tokens ({len(prompt)} of them the prompt), and the model's context"
                f" holds {self._context}; shorten the prompt, or take a model with a longer context"
            )

    def _law(self, asked: Sampling) -> Law:
        own = self._settings.sampling
        temperature = own.temperature if asked.temperature is None else asked.temperature
        top_p = own.top_p if asked.top_p is None else asked.top_p
        assert temperature is not None and top_p is not None
        return Law(temperature, self._settings.top_k, top_p)

    def _ending(self, asked: Sampling, before: int) -> Ending:
        most = self._settings.sampling.max_tokens if asked.max_tokens is None else asked.max_tokens
        assert most is not None
        room = self._context - before
        counted = self._settings.tokens_per_step if asked.unit == "step" else None
        if counted is not None and counted <= most and counted < room:
            return Ending(counted, "step", False)
        return Ending(min(most, room), "length", asked.unit == "step" and counted is None)


def _root_of(trajectory: Trajectory) -> Trajectory:
    while trajectory.parent is not None:
        trajectory = trajectory.parent
    return trajectory
