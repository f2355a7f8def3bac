"""Policy ``language/openai``: steps from any server that speaks OpenAI's chat or text completions.

By default each sample is an HTTP request of its own with a seed of its own, since many servers offer
no ``n``; ``samples: together`` asks for all of them in one. What is asked and read stands elsewhere:

- ``conversation``: a request as messages; ``endpoint_prompts``: messages, text or token ids in a body;
- ``completion``: steps in an answer; ``scoring``: the likelihood of a given step in an answer;
- ``endpoint``: the HTTP client; ``endpoint_probe``: what a server can do.
"""

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

from treewright_language.completion import Reading, read_completion
from treewright_language.endpoint import Api, Endpoint
from treewright_language.endpoint_prompts import ChatPrompts, Continuation, Fields, Prompts, TextPrompts, TokenPrompts
from treewright_language.openai_laws import Law, against_sampled, against_scores, in_effect
from treewright_language.openai_options import check_options
from treewright_language.scoring import ASKED, Scoring, read_likelihood
from treewright_registry import (
    BlobStore,
    CallFailed,
    CallRefused,
    Capability,
    Likelihood,
    LikelihoodRequest,
    Proposals,
    ProposeRequest,
    Sampling,
    Step,
    Usage,
)

Samples = Literal["single", "together"]
LimitField = Literal["max_tokens", "max_completion_tokens"]

_SEED_BITS = 31  # what every server takes; some keep seeds in a signed 32-bit integer
_GO_ON = "Go on exactly where you stopped. Do not repeat anything."


class OpenAIPolicy:
    """Asks an OpenAI-compatible server for next steps or whole answers, and how likely given steps are.

    Sampling asked for by a search wins over the options here; an option left at ``None`` is not sent,
    and the server's own default holds. By default the engine asks for one sample at a time (``single_samples``),
    so each counts in ``call.concurrency`` and ``call.rate``, is repeated by itself with the same seed, and
    costs itself only if it fails.

    Args:
        model: the model's name on the server.
        base_url: the server, e.g. ``http://localhost:8000/v1``; ``None`` takes ``OPENAI_BASE_URL``
            or else the vendor's own.
        api_key_env: environment variable that holds the key. The key itself is no option, and is
            blotted out of every error.
        api: ``chat`` sends messages; ``completions`` sends one text, and always continues it.
        tokenizer: for ``completions``: a model folder (or ``package:folder``) whose chat template makes the text;
            ``None`` for the plain layout.
        token_ids: for ``completions`` with ``tokenizer``: send token ids instead of text, and keep those that
            the server draws with each step (vLLM's ``return_token_ids``).
        continuation: for ``chat``, where steps have been made: ``turn`` asks to go on in a user message;
            ``message`` has the server continue the assistant's message (``continue_final_message`` of vLLM, SGLang);
            ``prefill`` is for servers that do so by themselves.
        instruction: system prompt; empty for none.
        go_on: last user message where steps have been made and the request says nothing else (``turn``).
        samples: ``together`` asks for all samples of a request at once (``n``), ``single`` for each by itself.
        temperature: 0.0 is greedy.
        top_p: nucleus mass in (0, 1].
        max_tokens: upper limit for each step.
        limit_field: under which name that is sent; some chat models refuse ``max_tokens``.
        delimiter: ends a step, and stays part of it; only for sampling unit ``step``.
        server_stops: whether the server is asked to stop at the delimiter. If false, the server
            writes on to the end or to ``max_tokens``, and the step is cut here: works everywhere,
            and pays for what is cut off.
        stop_told: how the server tells that it stopped at the delimiter: ``reason`` by a field (``stop_reason`` as
            vLLM, ``matched_stop`` as SGLang), ``text`` by leaving it in the text (``transformers serve``).
        stop: strings that end the whole answer.
        logprobs: whether to ask for log-probabilities and sum them; a server that returns none
            then fails the call.
        logprob_law: which law those follow: ``model`` is the model's own (temperature 1, nothing cut off), as
            servers report by default; ``sampled`` is the one drawn from (vLLM: ``--logprobs-mode processed_logprobs``).
            Under ``model`` a call for samples of another law is refused, but for greedy ones, which get none.
            ``untied`` takes the model's own whatever is drawn: enough for priors (``rule: puct``), wrong for weights.
        scoring: how the server tells the likelihood of given text: by ``echo`` (completions) or ``prompt_logprobs``
            (vLLM, both APIs); ``none`` if it cannot. It is always the model's own law, so temperature and top_p of the
            call must be 1.
        end_of_answer: what the model writes at the end of an answer, e.g. ``<|im_end|>``, to score steps that end one;
            ``None`` takes the tokenizer's, and refuses such steps without one.
        extra: further fields of every request's body, as the server knows them, e.g. ``{top_k: 20}``.

    Attributes:
        capabilities: ``log_probability`` with ``logprobs: true``, ``log_likelihood`` with ``scoring``. The class itself
            promises nothing, since the configuration check looks at it before any option is known.

    Raises:
        ConfigurationError: the client library, the key or the tokenizer is missing, or the server's address is none.
        ValueError: an option is out of range, or has no effect.
    """

    capabilities: frozenset[str] = frozenset()
    expensive: ClassVar[bool] = True
    needs_outside: ClassVar[str] = "a server and the name of a model"
    blobs: BlobStore | None = None  #: set by the engine; images in prompts are read from it

    @staticmethod
    def capabilities_for(options: Mapping[str, Any]) -> frozenset[str]:
        """Log-probabilities if they are asked for, likelihoods if it is said how."""
        able = {Capability.LOG_PROBABILITY} if options.get("logprobs") else set()
        if options.get("scoring", "none") != "none":
            able.add(Capability.LOG_LIKELIHOOD)
        return frozenset(able)

    @staticmethod
    def check_options(options: Mapping[str, Any]) -> None:
        """Refuse options that a server need not be asked about.

        Raises:
            ValueError: says which, and what to set.
        """
        given: dict[str, Any] = {**(OpenAIPolicy.__init__.__kwdefaults__ or {}), **options}
        given["extra"] = dict(given["extra"] or {})
        named = {name: given[name] for name in ("temperature", "top_p", "max_tokens")}
        check_options(SimpleNamespace(**given, sampling=Sampling(**named)))

    @staticmethod
    def check_law(options: Mapping[str, Any], capabilities: frozenset[str], sampling: Sampling) -> None:
        """Refuse a search's sampling under which the server would tell log-probabilities of another law.

        Also for a search that needs none: with ``logprobs: true`` its calls would be refused all the same.

        Raises:
            ValueError: says why, and what to set.
        """
        drawn = in_effect(Sampling(temperature=options.get("temperature"), top_p=options.get("top_p")), sampling)
        reasons = []
        if Capability.LOG_LIKELIHOOD in capabilities:
            reasons.append(against_scores(drawn))
        needed = Capability.LOG_PROBABILITY in capabilities
        if needed or (options.get("logprobs") and drawn.temperature != 0):
            reasons.append(against_sampled(options.get("logprob_law", "model"), drawn))
        reason = next((each for each in reasons if each is not None), None)
        if reason is not None:
            raise ValueError(reason)

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        api: Api = "chat",
        tokenizer: str | None = None,
        token_ids: bool = False,
        continuation: Continuation = "turn",
        instruction: str = "",
        go_on: str = _GO_ON,
        samples: Samples = "single",
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        limit_field: LimitField = "max_tokens",
        delimiter: str = "\n\n",
        server_stops: bool = True,
        stop_told: Literal["reason", "text"] = "reason",
        stop: tuple[str, ...] = (),
        logprobs: bool = False,
        logprob_law: Law = "model",
        scoring: Scoring = "none",
        end_of_answer: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.base_url = base_url
        self.api: Api = api
        self.tokenizer = tokenizer
        self.token_ids = token_ids
        self.continuation: Continuation = continuation
        self.instruction = instruction
        self.go_on = go_on
        self.single_samples = samples == "single"
        self.sampling = Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens)
        self.limit_field: LimitField = limit_field
        self.delimiter = delimiter
        self.server_stops = server_stops
        self.stop_told: Literal["reason", "text"] = stop_told
        self.stop = stop
        self.logprobs = logprobs
        self.logprob_law: Law = logprob_law
        self.scoring: Scoring = scoring
        self.end_of_answer = end_of_answer
        self.extra = dict(extra or {})
        check_options(self)
        self.capabilities = self.capabilities_for({"logprobs": logprobs, "scoring": scoring})
        self._endpoint = Endpoint(base_url, api_key_env)
        self._prompts = self._written_prompts()

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        """Up to ``n`` steps for each request.

        Raises:
            RetryLater: the server is busy, or sees too many requests.
            CallRefused: the server refuses the request for what it is, or does not offer what the options say; or its
                log-probabilities would not be those of the law that is sampled from.
            CallFailed: the server did not answer, or not with what was asked for.
        """
        return [await self._answer(request) for request in requests]

    async def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        """How likely each request's last step is, under the model's own law (temperature 1, nothing cut off).

        Raises:
            CallRefused: the server does not offer it; the step cannot be told apart from what stands before it;
                or the request's sampling is another law than the model's own.
            RetryLater, CallFailed: as ``propose``.
        """
        return [await self._scored(request) for request in requests]

    async def self_check(self) -> list[str]:
        """What the server can do, a line for each of its abilities.

        Raises:
            ConfigurationError: it lacks one that the options need; says which, and what to set.
        """
        from treewright_language.endpoint_probe import probed

        return await probed(self, self._endpoint)

    async def _answer(self, request: ProposeRequest) -> Proposals:
        prompt = self._prompts.asked(request, self.blobs)
        if not self.single_samples:
            return await self._asked(request, 0, prompt, request.n)
        if request.n == 1:  # awaited here: what has arrived when the deadline comes is taken
            return await self._asked(request, 0, prompt, 1)
        try:
            async with asyncio.TaskGroup() as group:  # the first failure cancels the siblings
                samples = [self._asked(request, i, prompt, 1) for i in range(request.n)]
                tasks = [group.create_task(sample) for sample in samples]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        results = [task.result() for task in tasks]
        steps: list[Step] = [step for made in results for step in made.steps]
        usage = [sum(amounts) for amounts in zip(*(made.usage for made in results), strict=True)]
        return Proposals(steps, Usage(*usage), tuple(reason for made in results for reason in made.failed))

    async def _asked(self, request: ProposeRequest, index: int, prompt: Fields, samples: int) -> Proposals:
        tells = self._tells(request.sampling)
        body = self._body(
            request.sampling, tells, {**prompt, "seed": request.key(index).seed & ((1 << _SEED_BITS) - 1)}
        )
        text = await self._endpoint.complete(self.api, body | ({"n": samples} if samples > 1 else {}))
        try:
            made = read_completion(text, self._reading(request, samples, tells))
        except CallFailed as error:
            raise self._named(error) from None
        failed = tuple(str(self._endpoint.failure(self.model, reason)) for reason in made.failed)
        return made._replace(failed=failed)

    async def _scored(self, request: LikelihoodRequest) -> Likelihood:
        if self.scoring == "none":
            raise CallRefused("scoring: none; set  scoring: echo  or  scoring: prompt_logprobs  if the server can")
        reason = against_scores(in_effect(self.sampling, request.sampling))
        if reason is not None:
            raise CallRefused(reason)
        scored = self._prompts.scored(request, self.blobs)
        body = {"model": self.model, **scored.fields, **ASKED[self.scoring], **self.extra}
        text = await self._endpoint.complete(self.api, body)
        try:
            return read_likelihood(text, scored, self.scoring)
        except CallFailed as error:
            raise self._named(error) from None

    def _named(self, error: CallFailed) -> CallFailed:
        """The error with model and server, of the same kind, without the key."""
        failure = self._endpoint.failure(self.model, str(error))
        return CallRefused(str(failure)) if isinstance(error, CallRefused) else failure

    def _tells(self, asked: Sampling) -> bool:
        """Whether samples get log-probabilities; a call that asks for those of another law is refused.

        Greedy samples get none under the model's own law: searches ask for them on the side, and do not weigh them.
        """
        drawn = in_effect(self.sampling, asked)
        if not self.logprobs or (self.logprob_law == "model" and drawn.temperature == 0):
            return False
        reason = against_sampled(self.logprob_law, drawn)
        if reason is not None:
            raise CallRefused(reason)
        return True

    def _reading(self, request: ProposeRequest, samples: int, tells: bool) -> Reading:
        return Reading(
            delimiter=self.delimiter if request.sampling.unit == "step" else None,
            server_stops=self.server_stops,
            logprobs=tells,
            first=request.trajectory.step is None,
            api=self.api,
            stop_told=self.stop_told,
            samples=samples,
            encoding=self._prompts.encoding if isinstance(self._prompts, TokenPrompts) else None,
        )

    def _body(self, asked: Sampling, tells: bool, prompt: Fields) -> Fields:
        """The JSON body of an HTTP request; what is unset is left out."""
        drawn = in_effect(self.sampling, asked)
        fields = {
            "model": self.model,
            **prompt,
            "temperature": drawn.temperature,
            "top_p": drawn.top_p,
            self.limit_field: drawn.max_tokens,
            "stop": self._stops(asked.unit) or None,
            "logprobs": (self.api == "chat" or 1) if tells else None,
            **self.extra,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _stops(self, unit: str) -> list[str]:
        by_delimiter = unit == "step" and self.server_stops
        return [self.delimiter, *self.stop] if by_delimiter else list(self.stop)

    def _written_prompts(self) -> Prompts:
        if self.api == "chat":
            return ChatPrompts(self.instruction, self.go_on, self.continuation)
        if self.token_ids and self.tokenizer is not None:
            return TokenPrompts(self.instruction, self.tokenizer)
        return TextPrompts(self.instruction, self.tokenizer, self.end_of_answer)
