"""What an OpenAI-compatible server can do, found out by asking it: some ten requests of a few tokens.

Servers differ in what they offer, and many ignore a field that they do not know instead of refusing
it. So each ability is tried, and the answer is looked at. The requests are no part of a run: a run
sends none of them, and its cost holds what its own requests cost.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from treewright_language.answer_fields import decoded, field
from treewright_language.endpoint import Api, Endpoint
from treewright_language.probe_needs import missing
from treewright_registry import CallFailed, ConfigurationError, RetryLater

if TYPE_CHECKING:
    from treewright_language.openai_policy import OpenAIPolicy

_QUESTION = "Count from one to nine in words."
_FEW, _SOME = 4, 12  # tokens
_PATIENCE = 60.0  # seconds for one request


class Finding(NamedTuple):
    """Whether a server can do something.

    Attributes:
        can: ``None`` if that could not be told.
        detail: what was seen.
    """

    can: bool | None
    detail: str = ""

    def __str__(self) -> str:
        word = {True: "yes", False: "no", None: "unclear"}[self.can]
        return f"{word} ({self.detail})" if self.detail else word


async def probed(policy: "OpenAIPolicy", endpoint: Endpoint) -> list[str]:
    """A line for each ability of the policy's server.

    Raises:
        ConfigurationError: the server is not there, refuses the key, does not serve the model, or lacks what the
            policy's options need.
    """
    probe = Probe(endpoint, policy.model, policy.api, policy.extra, policy.limit_field)
    findings = {"model listed": await probe.health()}
    for name, try_it in probe.trials().items():
        findings[name] = await try_it()
    wanting = missing(policy, findings)
    width = max(map(len, findings))
    lines = [f"{name:{width}}  {found}" for name, found in findings.items()]
    if wanting:
        raise ConfigurationError("\n    ".join([f"{endpoint.place} lacks what the options need:", *wanting, *lines]))
    return lines


class Probe:
    """Tries one ability after the other.

    Args:
        endpoint: the server.
        model: the model's name there.
        api: which API the policy uses; ``chat`` and ``completions`` themselves are both tried.
        extra: further fields of every request.
        limit_field: what the chat API calls the upper limit of tokens.
    """

    def __init__(
        self, endpoint: Endpoint, model: str, api: Api, extra: dict[str, Any], limit_field: str = "max_tokens"
    ) -> None:
        self.endpoint = endpoint
        self.model = model
        self.api: Api = api
        self.extra = extra
        self.limit_field = limit_field

    def trials(self) -> dict[str, Callable[[], Awaitable[Finding]]]:
        """What is tried, in this order."""
        return {
            "chat": lambda: self._answers("chat"),
            "completions": lambda: self._answers("completions"),
            "seeds": self.seeds,
            "n": self.several,
            "logprobs": self.logprobs,
            "stop told": self.stop_told,
            "continue_final_message": self.continued,
            "echo": self.echo,
            "prompt_logprobs": self.prompt_logprobs,
            "token_ids": self.token_ids,
        }

    async def health(self) -> Finding:
        """Whether the server is there, takes the key and lists the model.

        Raises:
            ConfigurationError: it does not, or never answers.
        """
        try:
            listed = decoded(await self._patiently(self.endpoint.models(self.model)))
            names = [str(entry.get("id")) for entry in field(listed, "data", list)]
        except CallFailed as error:
            if any(f"HTTP {status}" in str(error) for status in (401, 403)):
                raise ConfigurationError(f"{error}\n    check the key in the environment") from None
            if "HTTP" in str(error) or "lacks" in str(error) or "no JSON" in str(error):
                return Finding(None, "it lists no models")
            raise ConfigurationError(f"{error}\n    is the server running, and base_url right?") from None
        if self.model in names:
            return Finding(True)
        return Finding(False, f"it lists {', '.join(names[:5]) or 'none'}")

    async def seeds(self) -> Finding:
        """Whether equal seeds give equal samples, and others others."""
        texts = [await self._text({"seed": seed, "temperature": 1.0, "max_tokens": _SOME}) for seed in (1, 1, 2, 3)]
        if None in texts:
            return Finding(None)
        if texts[0] != texts[1]:
            return Finding(False, "equal seeds, other samples")
        if len(set(texts)) == 1:
            return Finding(None, "all samples are equal at temperature 1: does the server sample at all?")
        return Finding(True)

    async def several(self) -> Finding:
        """Whether one request brings several samples."""
        data = await self._data({"n": 2, "max_tokens": _FEW})
        count = len(_choices(data))
        return Finding(count == 2, "" if count == 2 else f"{count} of 2 samples")

    async def logprobs(self) -> Finding:
        """Whether generated tokens come with log-probabilities."""
        asked = True if self.api == "chat" else 1
        data = await self._data({"logprobs": asked, "max_tokens": _FEW})
        listed = _first(data).get("logprobs")
        tokens = listed.get("content" if self.api == "chat" else "token_logprobs") if isinstance(listed, dict) else None
        return Finding(bool(tokens))

    async def stop_told(self) -> Finding:
        """How the server tells that it met a stop string: one that stands in an answer that it repeats."""
        repeated = [{"temperature": 0.0}, *({"temperature": 1.0, "seed": seed} for seed in (1, 2, 3))]
        for fixed in repeated:
            asked = {**fixed, "max_tokens": 2 * _SOME}
            text = await self._text(asked) or ""
            pieces = re.findall(r"[!-~]{1,2}", text[1:])  # what no tokenizer cuts in two
            if pieces:
                stop = pieces[len(pieces) // 2]
                choice = _first(await self._data({**asked, "stop": [stop]}))
                if _repeats(_said(choice) or "", text, stop):
                    return _told(choice, stop)
        return Finding(None, "no answer to stop in")

    async def continued(self) -> Finding:
        """Whether the chat API leaves the last message open: the prompt is then shorter than with a closed one."""
        messages = [{"role": "user", "content": _QUESTION}, {"role": "assistant", "content": "one, two, three"}]
        fields = {"messages": messages, "max_tokens": 1}
        closed = await self._data(fields, "chat")
        opened = await self._data({**fields, "continue_final_message": True, "add_generation_prompt": False}, "chat")
        longer, shorter = (_read_tokens(data) for data in (closed, opened))
        return Finding(longer is not None and shorter is not None and shorter < longer)

    async def echo(self) -> Finding:
        """Whether the completions API returns the prompt's tokens with log-probabilities."""
        data = await self._data({"prompt": _QUESTION, "echo": True, "logprobs": 1, "max_tokens": 1}, "completions")
        listed = _first(data).get("logprobs")
        values = listed.get("token_logprobs") if isinstance(listed, dict) else None
        read = _read_tokens(data)
        return Finding(isinstance(values, list) and read is not None and len(values) >= read > 1)

    async def prompt_logprobs(self) -> Finding:
        """Whether the prompt's log-probabilities come in vLLM's field."""
        data = await self._data({"prompt_logprobs": 0, "max_tokens": 1})
        listed = _first(data).get("prompt_logprobs") or (data or {}).get("prompt_logprobs")
        return Finding(isinstance(listed, list) and len(listed) > 1)

    async def token_ids(self) -> Finding:
        """Whether the completions API takes token ids and tells those that it drew."""
        fields = {"prompt": [1, 2, 3], "return_token_ids": True, "max_tokens": 2}
        ids = _first(await self._data(fields, "completions")).get("token_ids")
        return Finding(isinstance(ids, list))

    async def _answers(self, api: Api) -> Finding:
        try:
            data = decoded(await self._sent({"max_tokens": _FEW}, api))
        except CallFailed as error:
            return Finding(False, str(error).partition("HTTP ")[2][:3])
        return Finding(_said(_first(data)) is not None)

    async def _text(self, fields: dict[str, Any]) -> str | None:
        return _said(_first(await self._data(fields)))

    async def _data(self, fields: dict[str, Any], api: Api | None = None) -> Any:
        """The answer, ``None`` if the server gives none to such a request."""
        try:
            return decoded(await self._sent(fields, api or self.api))
        except RetryLater as error:
            raise ConfigurationError(f"{error}\n    the server is busy; try again later") from None
        except CallFailed:
            return None

    async def _sent(self, fields: dict[str, Any], api: Api) -> str:
        prompt = {"messages": [{"role": "user", "content": _QUESTION}]} if api == "chat" else {"prompt": _QUESTION}
        if api == "chat":
            fields = {self.limit_field if name == "max_tokens" else name: value for name, value in fields.items()}
        return await self._patiently(
            self.endpoint.complete(api, {"model": self.model, **prompt, **fields, **self.extra})
        )

    async def _patiently(self, asked: Awaitable[str]) -> str:
        try:
            return await asyncio.wait_for(asked, _PATIENCE)
        except TimeoutError:  # one is enough: the others would wait as long
            failure = self.endpoint.failure(self.model, f"no answer within {_PATIENCE:g} s")
            raise ConfigurationError(f"{failure}\n    is it still loading, or is base_url something else?") from None


def _repeats(said: str, text: str, stop: str) -> bool:
    """Whether ``said`` is ``text`` up to ``stop``, or all of it; the beginning of another answer is not."""
    before = text[: text.index(stop)].rstrip()
    return said.rstrip() == text.rstrip() or (before != "" and said.removesuffix(stop).rstrip() == before)


def _told(choice: dict[str, Any], stop: str) -> Finding:
    name = next((name for name in ("stop_reason", "matched_stop") if choice.get(name) == stop), None)
    if name is not None:
        return Finding(True, f"stop_told: reason, by {name}")
    if (_said(choice) or "").endswith(stop):
        return Finding(True, "stop_told: text")
    return Finding(False, "searches over steps need  server_stops: false")


def _choices(data: Any) -> list[Any]:
    choices = data.get("choices") if isinstance(data, dict) else None
    return choices if isinstance(choices, list) else []


def _first(data: Any) -> dict[str, Any]:
    choices = _choices(data)
    return choices[0] if choices and isinstance(choices[0], dict) else {}


def _said(choice: dict[str, Any]) -> str | None:
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    return text if isinstance(text, str) else None


def _read_tokens(data: Any) -> int | None:
    usage = data.get("usage") if isinstance(data, dict) else None
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return count if type(count) is int else None
