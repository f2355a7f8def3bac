"""A request as a conversation in the shape of the chat API.

The messages are, in this order:

1. system: the policy's instruction, if it has one;
2. user: the retrieved records, if there are any, then the prompt as it is::

       Retrieved records, best first:

       [1] content of the first record

       [2] content of the second record

       Problem:

       the prompt

3. only if steps have been made: assistant, all steps joined as they are, then user, the request's
   own instruction or else the words that ask to go on. Without such words the assistant's message
   is left open: what comes next continues it (``opened`` takes it off).

Without steps the request's own instruction ends message 2, after an empty line. Peers are not shown.

A prompt may be a conversation itself, ``{"messages": [{"role": …, "content": text}, …]}``, ending with a user's
message: that one then is the prompt of message 2, the others stand before it as they are, and a system message
among them takes the place of the policy's instruction. A judge that has spoken before is asked so.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from treewright_registry import (
    Blob,
    BlobStore,
    CallFailed,
    Hit,
    LikelihoodRequest,
    Payload,
    ProposeRequest,
    Text,
    as_text,
)
from treewright_registry.payloads import is_parts

Message: TypeAlias = dict[str, Any]
Part: TypeAlias = dict[str, Any]
Request: TypeAlias = ProposeRequest | LikelihoodRequest

_ROLES = ("system", "user", "assistant")


def messages_of(request: Request, instruction: str, go_on: str | None, blobs: BlobStore | None) -> list[Message]:
    """The conversation that asks for what comes next.

    Args:
        request: what is wanted.
        instruction: the system prompt; none if empty.
        go_on: the last user message where steps have been made and the request says nothing else;
            ``None`` leaves the assistant's message open.
        blobs: where images lie.

    Raises:
        CallFailed: the request holds something that the chat API cannot carry.
    """
    earlier, prompt = _turns(request.trajectory.problem.prompt)
    asked = list(_question(request.context.hits, prompt, blobs))
    own = list(_parts(request.context.instruction, blobs))
    led = any(message["role"] == "system" for message in earlier)
    messages = [_message("system", [_text(instruction)])] if instruction and not led else []
    messages += earlier
    if request.trajectory.step is None:
        messages.append(_message("user", asked + ([_text("\n\n"), *own] if own else [])))
        return messages
    messages.append(_message("user", asked))
    messages.append(_message("assistant", [_text(_written(request))]))
    if own or go_on is not None:
        messages.append(_message("user", own or [_text(go_on or "")]))
    return messages


def opened(messages: list[Message]) -> tuple[list[Message], str]:
    """The conversation up to the assistant's open message, and what that message says so far.

    A chat template renders the former, up to where the assistant begins to speak; the latter follows as it is.
    """
    if messages and messages[-1]["role"] == "assistant":
        return messages[:-1], messages[-1]["content"]
    return messages, ""


def _turns(prompt: Payload) -> tuple[list[Message], Payload]:
    """The messages before the last one of a prompt that is a conversation, and what that one says."""
    if not isinstance(prompt, Mapping) or set(prompt) != {"messages"}:
        return [], prompt
    messages: Any = prompt["messages"]
    if not isinstance(messages, list | tuple) or not all(map(_is_turn, messages)):
        raise CallFailed(f"each message of the prompt needs a role ({', '.join(_ROLES)}) and a content that is text")
    if not messages or messages[-1]["role"] != "user":
        raise CallFailed("the prompt is a conversation that does not end with a user's message")
    return [dict(message) for message in messages[:-1]], messages[-1]["content"]


def _is_turn(message: Any) -> bool:
    keys = isinstance(message, Mapping) and set(message) == {"role", "content"}
    return keys and message["role"] in _ROLES and isinstance(message["content"], str)


def _question(hits: Sequence[Hit], prompt: Payload, blobs: BlobStore | None) -> Iterator[Part]:
    if hits:
        yield _text("Retrieved records, best first:\n\n")
        for number, hit in enumerate(hits, 1):
            yield from _record(number, hit, blobs)
        yield _text("Problem:\n\n")
    yield from _parts(prompt, blobs)


def _record(number: int, hit: Hit, blobs: BlobStore | None) -> Iterator[Part]:
    yield _text(f"[{number}] ")
    yield from _parts(hit.content, blobs)
    yield _text("\n\n")


def _written(request: Request) -> str:
    """The steps so far; they bring their own separators."""
    for number, step in enumerate(request.trajectory.steps, 1):
        if is_parts(step.content) and any(isinstance(part, Blob) for part in _each(step.content)):
            raise CallFailed(
                f"step {number} holds an image, which no assistant message can carry; use a policy whose steps are text"
            )
    return request.trajectory.text


def _parts(payload: Payload, blobs: BlobStore | None) -> Iterator[Part]:
    if payload is None:
        return
    if not is_parts(payload):
        yield _text(as_text(payload))
        return
    for part in _each(payload):
        yield _text(part.text) if isinstance(part, Text) else _image(part, blobs)


def _each(payload: Any) -> tuple[Text | Blob, ...]:
    parts: tuple[Text | Blob, ...] = payload
    return parts


def _image(blob: Blob, blobs: BlobStore | None) -> Part:
    name = f"{blob.media_type} {blob.sha256[:8]}"
    if not blob.media_type.startswith("image/"):
        raise CallFailed(f"the prompt holds a blob ({name}) that is no image; the chat API takes text and images")
    if blobs is None:
        raise CallFailed(f"the prompt holds an image ({name}), and there is no blob store; run it with --out DIR")
    data = base64.b64encode(blobs.get(blob)).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{blob.media_type};base64,{data}"}}


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _message(role: str, parts: list[Part]) -> Message:
    """Plain text as a string, which every server takes; a list of parts only around images."""
    if all(part["type"] == "text" for part in parts):
        return {"role": role, "content": "".join(part["text"] for part in parts)}
    return {"role": role, "content": parts}
