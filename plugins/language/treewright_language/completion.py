"""The texts of a server's answer as steps, and what is wrong with those that are none.

Knows the wire shapes of chat and of text completions, and nothing of how they were fetched.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from treewright_language.answer_fields import TokenUsage, decoded, field, number, shown, usage_of
from treewright_language.endpoint import Api
from treewright_registry import CallFailed, CallRefused, Encoding, Proposals, Step, Usage
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
        api: which API was asked.
        stop_told: how the server tells that it met the delimiter: in a field, or by leaving it in the text.
        samples: how many were asked for.
        encoding: makes a step's encoding of the token ids that the server drew; ``None`` if it was not asked for them.
    """

    delimiter: str | None
    server_stops: bool
    logprobs: bool
    first: bool
    api: Api = "chat"
    stop_told: Literal["reason", "text"] = "reason"
    samples: int = 1
    encoding: Callable[[Step, list[int]], Encoding | None] | None = None


def read_completion(body: str, reading: Reading) -> Proposals:
    """The steps in a response body, and what reading the prompt cost.

    A sample that is of no use has its reason in ``failed`` and its tokens in the usage: it was paid for, and the same
    request would bring the same one again.

    Raises:
        CallFailed: the body is no JSON, holds no sample, or does not say what it cost.
        CallRefused: the server does not give several samples in one answer.
    """
    data = decoded(body)
    choices = _choices(data, reading.samples)
    usage = usage_of(data)
    steps: list[Step] = []
    failed: list[str] = []
    for choice, tokens in zip(choices, _tokens_of_each(choices, usage), strict=True):
        try:
            steps.append(_step(choice, tokens, reading))
        except CallFailed as error:
            failed.append(str(error))
    wasted = usage.written - sum(step.tokens for step in steps)
    failed += [f"the server returned {len(choices)} of {reading.samples} samples"] * (reading.samples - len(choices))
    return Proposals(steps, Usage(prompt_tokens=usage.read, generated_tokens=wasted), tuple(failed))


def _choices(data: Any, samples: int) -> list[Any]:
    """The samples in the order of their indices, at most as many as were asked for."""
    choices = field(data, "choices", list)
    if not choices:
        raise CallFailed("the answer holds no choice ('choices' is empty)")
    if len(choices) == 1 < samples:
        raise CallRefused(
            f"the server returned 1 of {samples} samples asked for in one request: it does not offer 'n';"
            " set  samples: single"
        )
    return sorted(choices, key=_index)[:samples]


def _index(choice: Any) -> int:
    index = choice.get("index") if isinstance(choice, dict) else None
    return index if type(index) is int else 0


def _tokens_of_each(choices: list[Any], usage: TokenUsage) -> list[int]:
    """How many tokens each sample has: as listed where the server lists them, else by length of text."""
    if len(choices) == 1:
        return [usage.written]
    listed = [_listed_tokens(choice) for choice in choices]
    if None not in listed and sum(filter(None, listed)) <= usage.written:
        return [count or 0 for count in listed]
    return _shares(usage.written, [1 + len(_said(choice)) for choice in choices])  # 1 for the token that ends it


def _said(choice: Any) -> str:
    """The text of a sample in whatever state."""
    if not isinstance(choice, dict):
        return ""
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    return text if isinstance(text, str) else ""


def _listed_tokens(choice: Any) -> int | None:
    if not isinstance(choice, dict):
        return None
    logprobs = choice["logprobs"] if isinstance(choice.get("logprobs"), dict) else {}
    for tokens in (choice.get("token_ids"), logprobs.get("content"), logprobs.get("tokens")):
        if isinstance(tokens, list):
            return len(tokens)
    return None


def _shares(total: int, weights: list[int]) -> list[int]:
    """``total`` in whole parts as the weights have it; they add up exactly."""
    ends = [0]
    for count in range(1, len(weights) + 1):
        ends.append(round(total * sum(weights[:count]) / max(1, sum(weights))))
    return [after - before for before, after in pairwise(ends)]


def _step(choice: Any, tokens: int, reading: Reading) -> Step:
    text = _text(choice, reading)
    content, finish = _ended(choice, text, reading)
    likely = _log_probability(choice, text, reading.api) if reading.logprobs else None
    step = Step(content, likely, tokens, finish)
    return step if reading.encoding is None else step._replace(encoding=reading.encoding(step, _ids(choice)))


def _ids(choice: Any) -> list[int]:
    ids = choice.get("token_ids")
    if not isinstance(ids, list) or not all(type(each) is int for each in ids):
        raise CallRefused("the server does not tell the ids of the tokens it drew ('token_ids'); set  token_ids: false")
    return ids


def _text(choice: Any, reading: Reading) -> str:
    if reading.api == "chat":
        name, text = "choices[0].message.content", field(choice, "message", dict).get("content")
    else:
        name, text = "choices[0].text", choice.get("text") if isinstance(choice, dict) else None
    if not isinstance(text, str) or (reading.first and not text):
        raise CallFailed(f"the answer holds no text ('{name}' is {shown(text)})")
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair could not be written to any file


def _ended(choice: Any, text: str, reading: Reading) -> tuple[str, Finish]:
    """Content (with its delimiter, if it met one) and finish reason of the step."""
    reason = field(choice, "finish_reason", str)
    if reason not in ("stop", "length"):
        raise CallFailed(f"the server ended the answer with '{reason}' instead of 'stop' or 'length'")
    delimiter = reading.delimiter
    if delimiter is None:
        return text, "stop" if reason == "stop" else "length"
    if delimiter in text:
        return text[: text.index(delimiter) + len(delimiter)], "step"
    if reason == "length":
        return text, "length"
    if reading.server_stops and reading.stop_told == "reason" and _met(choice) == delimiter:
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
        f" (no {' or '.join(_STOP_FIELDS)} in the answer); set  stop_told: text  if it leaves the delimiter in the"
        " text, or  server_stops: false,  and steps are cut here instead"
    )


def _log_probability(choice: Any, text: str, api: Api) -> float:
    listed = choice.get("logprobs")
    name = "content" if api == "chat" else "token_logprobs"
    tokens = listed.get(name) if isinstance(listed, dict) else None
    if not isinstance(tokens, list) or (text and not tokens):
        raise CallFailed(
            f"the server returned no log-probabilities ('choices[0].logprobs.{name}');"
            " set  logprobs: false, or use a server that offers them"
        )
    values = (
        [token.get("logprob") if isinstance(token, dict) else None for token in tokens] if api == "chat" else tokens
    )
    total = math.fsum(number(value) for value in values)
    if not math.isfinite(total):
        raise CallFailed(f"the server returned log-probabilities that sum to {total}")
    return total
