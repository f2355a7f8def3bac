"""The log-probability of a given text, read from a server's answer.

| ``scoring``       | asked with                           | answered in                             |
|-------------------|--------------------------------------|-----------------------------------------|
| ``echo``          | ``echo: true, logprobs: 1``          | ``choices[0].logprobs``, prompt first   |
| ``prompt_logprobs`` | ``prompt_logprobs: 0`` (vLLM)      | ``prompt_logprobs``, a list as long as the prompt |

The text stands at the end of the prompt. Its tokens are found from there, backwards, by what they
say: a token that stands on both sides of the boundary belongs to neither, and there is no answer.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from treewright_language.answer_fields import decoded, field, number, shown, usage_of
from treewright_language.endpoint_prompts import ScoredText
from treewright_registry import CallFailed, CallRefused, Likelihood, Usage

Scoring: TypeAlias = Literal["none", "echo", "prompt_logprobs"]

_REMEDY = "set  tokenizer: FOLDER  and  token_ids: true  (the boundary is then one between tokens)"

ASKED: dict[str, dict[str, Any]] = {
    "echo": {"echo": True, "logprobs": 1, "max_tokens": 1, "temperature": 1.0},
    "prompt_logprobs": {"prompt_logprobs": 0, "max_tokens": 1, "temperature": 1.0},
}
"""The fields that ask for scores: one token is written, since not every server can write none, and the temperature
is one at which no server can report another law than the model's own."""


class PromptToken(NamedTuple):
    """A token of the prompt: what it says, and how likely it was after those before it."""

    text: str
    log_probability: float | None


def read_likelihood(body: str, scored: ScoredText, scoring: Scoring) -> Likelihood:
    """How likely the text at the end of the prompt is, under the law that the server reports.

    Raises:
        CallFailed: the body is no JSON, lacks a field, or scores no tokens.
        CallRefused: the server offers no scores, or they cannot be told apart at the text's beginning.
    """
    data = decoded(body)
    usage = usage_of(data)
    tokens = _echoed(data, usage.read) if scoring == "echo" else _listed(data)
    if scored.text is not None:
        last = _saying(tokens, scored.text)
    else:
        last = _counted(tokens, scored)
    total = math.fsum(_value(token) for token in last)
    return Likelihood(total, len(last), usage=Usage(usage.read, len(last), generated_tokens=usage.written))


def _echoed(data: Any, read: int) -> list[PromptToken]:
    [choice, *_] = field(data, "choices", list) or [None]
    listed = choice.get("logprobs") if isinstance(choice, dict) else None
    texts = listed.get("tokens") if isinstance(listed, dict) else None
    values = listed.get("token_logprobs") if isinstance(listed, dict) else None
    if not isinstance(texts, list) or not isinstance(values, list) or len(texts) != len(values):
        raise CallRefused(
            "the server returned no log-probabilities of the prompt ('choices[0].logprobs.token_logprobs'): it does not"
            " offer echo with logprobs; set  scoring: prompt_logprobs  for vLLM, or  scoring: none"
        )
    if len(texts) < read:
        raise CallRefused(
            f"the server returned log-probabilities of {len(texts)} tokens for a prompt of {read}: it does not offer"
            " echo; set  scoring: prompt_logprobs  for vLLM, or  scoring: none"
        )
    # what it wrote after the prompt is listed behind it
    return [PromptToken(str(text), value) for text, value in zip(texts[:read], values[:read], strict=True)]


def _listed(data: Any) -> list[PromptToken]:
    choices = data.get("choices") if isinstance(data, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    listed = choice.get("prompt_logprobs") or (data.get("prompt_logprobs") if isinstance(data, dict) else None)
    if not isinstance(listed, list):
        raise CallRefused(
            "the server returned no 'prompt_logprobs': it does not offer them; set  scoring: echo  or  scoring: none"
        )
    return [_token(entry) for entry in listed]


def _token(entry: Any) -> PromptToken:
    if entry is None:  # the first token: nothing stands before it
        return PromptToken("", None)
    if not isinstance(entry, dict) or not entry:
        raise CallFailed(f"'prompt_logprobs' holds {shown(entry)} where a token is wanted")
    own = next(iter(entry.values()))  # the prompt's own token stands first; with 0 more asked for, alone
    text = own.get("decoded_token") if isinstance(own, dict) else None
    return PromptToken(str(text or ""), own.get("logprob") if isinstance(own, dict) else None)


def _saying(tokens: Sequence[PromptToken], text: str) -> Sequence[PromptToken]:
    """The last tokens, which together say ``text``."""
    length, first = 0, len(tokens)
    while length < len(text) and first > 0:
        first -= 1
        length += len(tokens[first].text)
    said = "".join(token.text for token in tokens[first:])
    if length > len(text) and said.endswith(text):
        raise CallRefused(
            f"the token {shown(tokens[first].text)} stands on both sides of the step's beginning; {_REMEDY}"
        )
    if said != text:
        raise CallRefused(
            f"the prompt's last tokens say {shown(said[-40:])} and the step ends with {shown(text[-40:])}: the server"
            f" or its chat template changes the text; {_REMEDY}"
        )
    return tokens[first:]


def _counted(tokens: Sequence[PromptToken], scored: ScoredText) -> Sequence[PromptToken]:
    """The last tokens, as many as the part has that is scored."""
    if len(tokens) != scored.prompt_tokens:
        raise CallRefused(
            f"the server scored {len(tokens)} tokens where {scored.prompt_tokens} were sent: it does not take token ids"
            " as they are; set  token_ids: false"
        )
    return tokens[len(tokens) - scored.tokens :]


def _value(token: PromptToken) -> float:
    if token.log_probability is None:
        raise CallFailed(f"the server gave no log-probability of the token {shown(token.text)}")
    return number(token.log_probability)
