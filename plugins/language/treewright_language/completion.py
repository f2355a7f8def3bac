"""The text of a server's answer as a step, and what is wrong with it if it is none.

Knows the wire shape of one chat completion with one choice, and nothing of how it was fetched.
"""

import json
import math
from typing import Any, NamedTuple

from treewright_registry import CallFailed, Step, Usage
from treewright_registry.trajectory import Finish

# where servers say which stop sequence they met: vLLM, SGLang
_STOP_FIELDS = ("stop_reason", "matched_stop")


class Reading(NamedTuple):
    """How an answer is to be read.

    Attributes:
        delimiter: ends a step; ``None`` if the whole rest of the answer was asked for.
        server_stops: whether the delimiter was sent to the server as a stop sequence.
        logprobs: whether log-probabilities were asked for.
        first: whether this is the answer's first step, which may not be empty.
    """

    delimiter: str | None
    server_stops: bool
    logprobs: bool
    first: bool


def read_completion(body: str, reading: Reading) -> tuple[Step, Usage]:
    """The step in a response body, and what reading the prompt cost.

    Raises:
        CallFailed: the body is no JSON, lacks a field, or holds no usable answer.
    """
    data = _decoded(body)
    choices = _field(data, "choices", list)
    if not choices:
        raise CallFailed("the answer holds no choice ('choices' is empty)")
    choice = choices[0]
    text = _field(choice, "message", dict).get("content")
    if not isinstance(text, str) or (reading.first and not text):
        raise CallFailed(f"the answer holds no text ('choices[0].message.content' is {_shown(text)})")
    usage = _field(data, "usage", dict)
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair could not be written to any file
    content, finish = _ended(choice, text, reading)
    likely = _log_probability(choice, text) if reading.logprobs else None
    step = Step(content, likely, _count(usage, "completion_tokens"), finish)
    return step, Usage(prompt_tokens=_count(usage, "prompt_tokens"))


def _ended(choice: Any, text: str, reading: Reading) -> tuple[str, Finish]:
    """Content (with its delimiter, if it met one) and finish reason of the step."""
    reason = _field(choice, "finish_reason", str)
    if reason not in ("stop", "length"):
        raise CallFailed(f"the server ended the answer with '{reason}' instead of 'stop' or 'length'")
    delimiter = reading.delimiter
    if delimiter is None:
        return text, "stop" if reason == "stop" else "length"
    if delimiter in text:
        return text[: text.index(delimiter) + len(delimiter)], "step"
    if reason == "length":
        return text, "length"
    if reading.server_stops and _met(choice) == delimiter:
        return text + delimiter, "step"
    return text, "stop"


def _met(choice: Any) -> Any:
    """The stop sequence that ended the answer, ``None`` if the model ended it by itself.

    ``finish_reason`` is ``stop`` in both cases; a guess would end answers early or never.
    """
    for name in _STOP_FIELDS:
        if name in choice:
            return choice[name]
    raise CallFailed(
        "the server does not say whether the delimiter or the end of the answer stopped it"
        f" (no {' or '.join(_STOP_FIELDS)} in the answer); set  server_stops: false,"
        " and steps are cut here instead"
    )


def _log_probability(choice: Any, text: str) -> float:
    listed = choice.get("logprobs")
    tokens = listed.get("content") if isinstance(listed, dict) else None
    if not isinstance(tokens, list) or (text and not tokens):
        raise CallFailed(
            "the server returned no log-probabilities ('choices[0].logprobs.content');"
            " set  logprobs: false, or use a server that offers them"
        )
    total = math.fsum(_number(token) for token in tokens)
    if not math.isfinite(total):
        raise CallFailed(f"the server returned log-probabilities that sum to {total}")
    return total


def _number(token: Any) -> float:
    value = token.get("logprob") if isinstance(token, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CallFailed(f"the server returned {_shown(value)} as the log-probability of a token")
    return float(value)


def _decoded(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise CallFailed(f"the answer is no JSON ({error}): {_shown(body)}") from None


def _field(data: Any, name: str, kind: type[Any]) -> Any:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, kind):
        raise CallFailed(f"the answer lacks '{name}' (it is {_shown(value)}); is this a chat completions API?")
    return value


def _count(usage: dict[str, Any], name: str) -> int:
    value = usage.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CallFailed(f"the answer's usage lacks '{name}' (it is {_shown(value)}): its cost is unknown")
    return value


def _shown(value: Any, most: int = 80) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else f"{text[:most]}…"
