"""Policy ``language/openai``: steps from any server that speaks OpenAI's chat completions.

Each sample is an HTTP request of its own with a seed of its own, since many servers offer no
``n``. Steps so far go back as an assistant message, followed by a user message that asks to go on:
that is the documented chat API. Continuing the assistant's message itself
(``continue_final_message`` and the like) differs from vendor to vendor and is not used.
How a request becomes a conversation stands in ``treewright_language.conversation``.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright_language.chat_server import ChatServer
from treewright_language.completion import Reading, read_completion
from treewright_language.conversation import Message, messages_of
from treewright_registry import (
    BlobStore,
    CallFailed,
    Capability,
    Proposals,
    ProposeRequest,
    Sampling,
    Step,
    Usage,
)

_SEED_BITS = 31  # what every server takes; some keep seeds in a signed 32-bit integer
_GO_ON = "Go on exactly where you stopped. Do not repeat anything."


class OpenAIPolicy:
    """Asks a chat completions server for next steps or whole answers.

    Sampling asked for by a search wins over the options here; an option left at ``None`` is not sent,
    and the server's own default holds. The engine asks for one sample at a time (``single_samples``),
    so each counts in ``call.concurrency`` and ``call.rate``, is repeated by itself with the same seed, and
    costs itself only if it fails.

    Args:
        model: the model's name on the server.
        base_url: the server, e.g. ``http://localhost:8000/v1``; ``None`` takes ``OPENAI_BASE_URL``
            or else the vendor's own.
        api_key_env: environment variable that holds the key. The key itself is no option, and is
            blotted out of every error.
        instruction: system prompt; empty for none.
        go_on: last user message where steps have been made and the request says nothing else.
        temperature: 0.0 is greedy.
        top_p: nucleus mass in (0, 1].
        max_tokens: upper limit for each step.
        delimiter: ends a step, and stays part of it; only for sampling unit ``step``.
        server_stops: whether the server is asked to stop at the delimiter. It must then tell
            (``stop_reason`` as vLLM, ``matched_stop`` as SGLang) whether it did. If false, the server
            writes on to the end or to ``max_tokens``, and the step is cut here: works everywhere,
            and pays for what is cut off.
        stop: strings that end the whole answer.
        logprobs: whether to ask for log-probabilities and sum them; a server that returns none
            then fails the call. They are as the server reports them: most report the model's own
            distribution, which is the sampled one at temperature 1 and top_p 1 only.

    Attributes:
        capabilities: ``log_probability`` with ``logprobs: true``. The class itself promises
            nothing, since the configuration check looks at it before any option is known.

    Raises:
        ConfigurationError: the client library or the key is missing.
        ValueError: an option is out of range.
    """

    capabilities: frozenset[str] = frozenset()
    expensive: ClassVar[bool] = True
    single_samples: ClassVar[bool] = True
    needs_outside: ClassVar[str] = "a server and the name of a model"
    blobs: BlobStore | None = None  #: set by the engine; images in prompts are read from it

    @staticmethod
    def capabilities_for(options: Mapping[str, Any]) -> frozenset[str]:
        """Log-probabilities if they are asked for."""
        return frozenset({Capability.LOG_PROBABILITY}) if options.get("logprobs") else frozenset()

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        instruction: str = "",
        go_on: str = _GO_ON,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        delimiter: str = "\n\n",
        server_stops: bool = True,
        stop: tuple[str, ...] = (),
        logprobs: bool = False,
    ) -> None:
        self.model = model
        self.instruction = instruction
        self.go_on = go_on
        self.sampling = Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens)
        self.delimiter = delimiter
        self.server_stops = server_stops
        self.stop = stop
        self.logprobs = logprobs
        self._check()
        if logprobs:
            self.capabilities = frozenset({Capability.LOG_PROBABILITY})
        self._server = ChatServer(base_url, api_key_env)

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        """Up to ``n`` steps for each request.

        Raises:
            RetryLater: the server is busy, or sees too many requests.
            CallRefused: the server refuses the request for what it is.
            CallFailed: the server did not answer, or not with what was asked for.
        """
        return [await self._answer(request) for request in requests]

    async def _answer(self, request: ProposeRequest) -> Proposals:
        messages = messages_of(request, self.instruction, self.go_on, self.blobs)
        try:
            async with asyncio.TaskGroup() as group:  # the first failure cancels the siblings
                samples = [self._sample(request, i, messages) for i in range(request.n)]
                tasks = [group.create_task(sample) for sample in samples]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        results = [task.result() for task in tasks]
        read = sum(usage.prompt_tokens for _, usage in results)
        return Proposals([step for step, _ in results], Usage(prompt_tokens=read))

    async def _sample(self, request: ProposeRequest, index: int, messages: list[Message]) -> tuple[Step, Usage]:
        text = await self._server.complete(self._body(request, index, messages))
        try:
            return read_completion(text, self._reading(request))
        except CallFailed as error:
            raise self._server.failure(self.model, str(error)) from None

    def _reading(self, request: ProposeRequest) -> Reading:
        return Reading(
            delimiter=self.delimiter if request.sampling.unit == "step" else None,
            server_stops=self.server_stops,
            logprobs=self.logprobs,
            first=request.trajectory.step is None,
        )

    def _body(self, request: ProposeRequest, index: int, messages: list[Message]) -> dict[str, Any]:
        """The JSON body of one sample's HTTP request; what is unset is left out."""
        asked, own = request.sampling, self.sampling
        fields = {
            "model": self.model,
            "messages": messages,
            "seed": request.key(index).seed & ((1 << _SEED_BITS) - 1),
            "temperature": own.temperature if asked.temperature is None else asked.temperature,
            "top_p": own.top_p if asked.top_p is None else asked.top_p,
            "max_tokens": own.max_tokens if asked.max_tokens is None else asked.max_tokens,
            "stop": self._stops(asked.unit) or None,
            "logprobs": self.logprobs or None,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _stops(self, unit: str) -> list[str]:
        by_delimiter = unit == "step" and self.server_stops
        return [self.delimiter, *self.stop] if by_delimiter else list(self.stop)

    def _check(self) -> None:
        if not self.model:
            raise ValueError("model must name a model of the server")
        if not self.delimiter or "" in self.stop:
            raise ValueError("delimiter and stop strings must not be empty")
        if self.logprobs and not self.server_stops:
            raise ValueError(
                "logprobs: true needs server_stops: true, since log-probabilities cover what is cut off here"
            )
        _check_sampling(self.sampling)


def _check_sampling(sampling: Sampling) -> None:
    temperature, top_p, max_tokens = sampling.temperature, sampling.top_p, sampling.max_tokens
    if temperature is not None and temperature < 0:
        raise ValueError(f"temperature must be at least 0, not {temperature:g}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must be in (0, 1], not {top_p:g}")
    if max_tokens is not None and max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, not {max_tokens}")
