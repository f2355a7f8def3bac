"""How a request stands in the body of an HTTP request: as messages, as text, or as token ids."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from treewright_language.checkpoints import load_tokenizer
from treewright_language.conversation import Request, messages_of, opened
from treewright_language.prompt_text import plain_text, templated_text
from treewright_registry import (
    BlobStore,
    CallRefused,
    Encoding,
    LikelihoodRequest,
    ProposeRequest,
    Step,
    Trajectory,
    as_text,
)

Fields: TypeAlias = dict[str, Any]
Continuation: TypeAlias = Literal["turn", "message", "prefill"]

# vLLM and SGLang: the last message is left open, and the model goes on in it
_OPEN_MESSAGE: Mapping[str, Any] = {"continue_final_message": True, "add_generation_prompt": False}


class ScoredText(NamedTuple):
    """A text whose last part is to be scored.

    Attributes:
        fields: the prompt, as fields of the request's body.
        text: the part that is scored, at the end of the prompt; ``None`` if it is counted in tokens.
        tokens: how many tokens the part has, where the prompt is a list of ids.
        prompt_tokens: how many tokens the prompt has with it, where it is a list of ids.
    """

    fields: Fields
    text: str | None = None
    tokens: int = 0
    prompt_tokens: int = 0


class Prompts(Protocol):
    """Writes a request's prompt as fields of a body."""

    def asked(self, request: ProposeRequest, blobs: BlobStore | None) -> Fields:
        """The prompt that asks for what comes next."""
        ...

    def scored(self, request: LikelihoodRequest, blobs: BlobStore | None) -> ScoredText:
        """The prompt with the step that is to be scored at its end."""
        ...


class ChatPrompts:
    """Messages of the chat API.

    Args:
        instruction: the system prompt.
        go_on: what asks to go on.
        continuation: ``turn`` asks to go on in a user message; ``message`` leaves the assistant's open and says so;
            ``prefill`` leaves it open for servers that continue it by themselves.
    """

    def __init__(self, instruction: str, go_on: str, continuation: Continuation) -> None:
        self.instruction = instruction
        self.go_on = go_on if continuation == "turn" else None
        self.continuation = continuation

    def asked(self, request: ProposeRequest, blobs: BlobStore | None) -> Fields:
        """Messages, with the fields that leave the last one open if it is to be continued."""
        return self._fields(request, self.go_on, blobs)

    def scored(self, request: LikelihoodRequest, blobs: BlobStore | None) -> ScoredText:
        """Messages that end with the step, left open."""
        step, _ = _parts(request.trajectory)
        if step.finish == "stop":
            raise CallRefused(
                "the step ended the answer, and the chat API cannot score what ends it; set  api: completions"
            )
        return ScoredText(self._fields(request, None, blobs), as_text(step.content))

    def _fields(self, request: Request, go_on: str | None, blobs: BlobStore | None) -> Fields:
        messages = messages_of(request, self.instruction, go_on, blobs)
        open_ended = messages[-1]["role"] == "assistant" and self.continuation != "prefill"
        return {"messages": messages, **(_OPEN_MESSAGE if open_ended else {})}


class TextPrompts:
    """Text of the completions API: a tokenizer's chat template, or else the plain layout.

    Args:
        instruction: the system prompt.
        tokenizer: whose chat template is used; see ``checkpoints``. ``None`` for the plain layout.
        end_of_answer: what the model writes at the end of an answer, for scoring; ``None`` if unknown.
    """

    def __init__(self, instruction: str, tokenizer: str | None, end_of_answer: str | None) -> None:
        self.instruction = instruction
        self.tokenizer = None if tokenizer is None else load_tokenizer(tokenizer)
        self.end_of_answer = end_of_answer
        if end_of_answer is None and self.tokenizer is not None:
            self.end_of_answer = self.tokenizer.eos_token

    def asked(self, request: ProposeRequest, blobs: BlobStore | None) -> Fields:
        """The conversation with the steps so far at its end."""
        return {"prompt": self._sent(self._text(request, blobs))}

    def scored(self, request: LikelihoodRequest, blobs: BlobStore | None) -> ScoredText:
        """The conversation with the step at its end, and the end of the answer if it was one."""
        step, before = _parts(request.trajectory)
        text = as_text(step.content)
        if step.finish == "stop":
            text += self._end()
        written = self._text(request._replace(trajectory=before), blobs)
        return ScoredText({"prompt": self._sent(written + text)}, text)

    def _text(self, request: Request, blobs: BlobStore | None) -> str:
        messages = messages_of(request, self.instruction, None, blobs)
        return plain_text(messages) if self.tokenizer is None else templated_text(messages, self.tokenizer)

    def _sent(self, text: str) -> str:
        """Without the token that servers put before every text."""
        begin = None if self.tokenizer is None else self.tokenizer.bos_token
        return text.removeprefix(str(begin)) if begin else text

    def _end(self) -> str:
        if self.end_of_answer is None:
            raise CallRefused(
                "the step ended the answer, and what the model writes at an answer's end is not known; set"
                "  end_of_answer: '<|im_end|>'  or whatever it is ('' leaves it out of the score),"
                "  or  tokenizer: FOLDER"
            )
        return self.end_of_answer


class TokenPrompts:
    """Token ids of the completions API: what was drawn is what is read again, to the token.

    Args:
        instruction: the system prompt.
        tokenizer: the model's, see ``checkpoints``.
    """

    def __init__(self, instruction: str, tokenizer: str) -> None:
        self.instruction = instruction
        from treewright_language.token_text import TokenText  # brings numpy along

        self.tokens = TokenText(load_tokenizer(tokenizer), (), None)

    def asked(self, request: ProposeRequest, blobs: BlobStore | None) -> Fields:
        """The ids of the conversation and of the steps so far; the server is to tell those that it draws."""
        return {"prompt": self._ids(request, blobs), "return_token_ids": True}

    def scored(self, request: LikelihoodRequest, blobs: BlobStore | None) -> ScoredText:
        """The ids with those of the step at the end."""
        step, before = _parts(request.trajectory)
        ids = self._ids(request._replace(trajectory=before), blobs)
        of_step = self.tokens.step(step, last=True)
        return ScoredText({"prompt": [*ids, *of_step]}, None, len(of_step), len(ids) + len(of_step))

    def encoding(self, step: Step, ids: list[int]) -> Encoding | None:
        """The ids as the step's encoding; ``None`` if they say something else than the step (a stop string cut)."""
        same = self.tokens.text(ids, ()) == step.content
        return Encoding(self.tokens.vocabulary, tuple(ids)) if same else None

    def _ids(self, request: Request, blobs: BlobStore | None) -> list[int]:
        messages = messages_of(request, self.instruction, None, blobs)
        closed, written = opened(messages)
        ids = list(self.tokens.prompt(closed))
        if written:  # else the request's own instruction follows the steps, and they are a closed message
            ids += [each for step in request.trajectory.steps for each in self.tokens.step(step)]
        return ids


def _parts(trajectory: Trajectory) -> tuple[Step, Trajectory]:
    """The last step, and what stands before it."""
    if trajectory.step is None or trajectory.parent is None:
        raise CallRefused("there is no step whose likelihood could be told")
    return trajectory.step, trajectory.parent
