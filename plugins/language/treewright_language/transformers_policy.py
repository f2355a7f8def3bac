"""Policy ``language/transformers``: steps from a local checkpoint, computed in this process.

It says exactly what it drew: a step carries its tokens and their log-probability under the very law it
was drawn from (``treewright_language.token_law``), and ``log_likelihood`` judges given steps by the same law.
Sequences that begin alike share what has been computed of them (``prefix_cache``), so that extending a
trajectory costs its new tokens only. How a request becomes a prompt stands in
``treewright_language.conversation``; the steps so far continue the assistant's message as they are.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from treewright_language.checkpoints import Precision, check_folder, load_causal_lm, load_tokenizer
from treewright_language.device_name import check_device
from treewright_language.sampling_range import check_sampling
from treewright_registry import (
    BlobStore,
    CallFailed,
    Capability,
    Encoding,
    Likelihood,
    LikelihoodRequest,
    Proposals,
    ProposeRequest,
    Sampling,
    Step,
    Usage,
)

if TYPE_CHECKING:
    from treewright_language.decoding import Drawn
    from treewright_language.reading import Counters
    from treewright_language.request_tokens import Ready

_MIB = 1 << 20
_NO_NUMBERS = "the model's logits are no numbers; set  dtype: float32  or  bfloat16"


class TransformersPolicy:
    """Draws steps from a causal language model that is loaded here, and judges given ones.

    Sampling asked for by a search wins over the options here. Costs tell what a request means, not what
    the cache saved: ``prompt_tokens`` is the length of what stands before the step, once a request.

    Args:
        model: a folder with a checkpoint, ``package:folder`` within an installed package, or a hub name.
        instruction: system prompt; empty for none.
        temperature: 0.0 is greedy.
        top_k: how many of the most probable tokens stay possible; ``None`` for all.
        top_p: nucleus mass in (0, 1].
        max_tokens: upper limit for each step.
        delimiter: ends a step (sampling unit ``step``) with the token that completes it, which may bring more.
        tokens_per_step: ends a step after so many tokens instead; ``None`` for the delimiter.
        rows: most sequences that are drawn side by side.
        reuse: whether keys and values are kept from call to call.
        cache_mib: memory for them, in MiB; the least recently used go first.
        strict: results are the same to the last bit whatever else is in the batch and the cache, at a cost:
            one sequence and one token at a time.
        dtype: ``auto`` is float32 on a CPU and the checkpoint's own on an accelerator.
        device: ``cpu``, ``cuda``, ``cuda:1`` …; ``auto`` takes an accelerator if there is one.
        download: whether a hub name may be fetched; else it must be in the local cache.
        trust_remote_code: whether code that comes with the checkpoint may run.

    Raises:
        ConfigurationError: the checkpoint cannot be loaded, or does not fit this policy.
        ValueError: an option is out of range.
    """

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.LOG_PROBABILITY, Capability.LOG_LIKELIHOOD})
    expensive: ClassVar[bool] = True
    needs_outside: ClassVar[str] = "the folder of a checkpoint"
    blobs: BlobStore | None = None  #: set by the engine; prompts with images are refused all the same

    @staticmethod
    def check_options(options: Mapping[str, Any]) -> None:
        """Refuse options out of range, no devices, and a folder that is not there or no checkpoint; loads nothing.

        Raises:
            ConfigurationError, ValueError: say which, and what to do.
        """
        given: dict[str, Any] = {**(TransformersPolicy.__init__.__kwdefaults__ or {}), **options}
        named = {name: given[name] for name in ("temperature", "top_p", "max_tokens")}
        counts = {name: given[name] for name in ("top_k", "tokens_per_step", "rows")}
        _check_ranges(counts, given["cache_mib"], given["delimiter"], Sampling(**named))
        check_device(given["device"])
        check_folder(given["model"], trust_remote_code=given["trust_remote_code"])

    def __init__(
        self,
        *,
        model: str,
        instruction: str = "",
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        max_tokens: int = 512,
        delimiter: str = "\n\n",
        tokens_per_step: int | None = None,
        rows: int = 64,
        reuse: bool = True,
        cache_mib: int = 512,
        strict: bool = False,
        dtype: Precision = "auto",
        device: str = "auto",
        download: bool = False,
        trust_remote_code: bool = False,
    ) -> None:
        sampling = Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens)
        counts = {"top_k": top_k, "tokens_per_step": tokens_per_step, "rows": rows}
        _check_ranges(counts, cache_mib, delimiter, sampling)
        tokenizer = load_tokenizer(model, download=download, trust_remote_code=trust_remote_code)
        network = load_causal_lm(
            model, dtype=dtype, device=device, download=download, trust_remote_code=trust_remote_code
        )
        # heavy modules, only now that a model is there
        from treewright_language.network import Network
        from treewright_language.request_tokens import RequestTokens, Settings
        from treewright_language.step_writer import StepWriter
        from treewright_language.token_text import TokenText

        self._text = TokenText(tokenizer, _end_ids(network), delimiter)
        ready = Network(network, self._text.size)
        self._tokens = RequestTokens(self._text, ready.context, Settings(instruction, sampling, top_k, tokens_per_step))
        self._writer = StepWriter(ready, self._text, rows=rows, room=cache_mib * _MIB if reuse else 0, strict=strict)
        self._lock = threading.Lock()

    @property
    def counters(self) -> "Counters":
        """What has been computed and saved so far, in tokens."""
        return self._writer.counters

    @property
    def cache_peak_bytes(self) -> int:
        """Most that the kept keys, values and logits took at any time."""
        return self._writer.cache_peak_bytes

    @property
    def passing_peak_bytes(self) -> int:
        """Most that keys, values and logits took which were kept for one call only."""
        return self._writer.passing_peak_bytes

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        """Up to ``n`` steps for each request.

        A request that cannot be answered, e.g. since the model's context is too short for it, yields no
        step and a reason; it costs the others nothing.

        Raises:
            CallFailed: the only request cannot be answered.
        """
        ready = [self._tokens.to_draw(request, self.blobs) for request in requests]
        if len(ready) == 1 and isinstance(ready[0], str):
            raise CallFailed(ready[0])
        samples = [
            (each, request.key(number).seed)
            for request, each in zip(requests, ready, strict=True)
            if not isinstance(each, str)
            for number in range(request.n)
        ]
        with self._lock:
            drawn = iter(self._writer.draw(samples))
        return [
            Proposals([], failed=(each,) * request.n)
            if isinstance(each, str)
            else self._proposals(each, [next(drawn) for _ in range(request.n)])
            for request, each in zip(requests, ready, strict=True)
        ]

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        """The log-probability of each given step: of its tokens as drawn, else of its text's.

        A complete answer (finish ``stop``) includes the token that ends it. It is −∞ where the law rules a
        token out (top-k, top-p, temperature 0).
        """
        ready = [self._tokens.to_judge(request, self.blobs) for request in requests]
        with self._lock:
            values = iter(self._writer.judge([each for each in ready if not isinstance(each, str)]))
        return [
            Likelihood(float("nan"), reason=each) if isinstance(each, str) else _likelihood(each, next(values))
            for each in ready
        ]

    def _proposals(self, ready: "Ready", samples: "Sequence[Drawn]") -> Proposals:
        good = [sample for sample in samples if sample.log_probability == sample.log_probability]
        steps = [self._step(ready, sample) for sample in good]
        dropped = sum(len(sample.ids) for sample in samples) - sum(step.tokens or 0 for step in steps)
        usage = Usage(prompt_tokens=len(ready.ids), generated_tokens=dropped)
        return Proposals(steps, usage, (_NO_NUMBERS,) * (len(samples) - len(good)))

    def _step(self, ready: "Ready", sample: "Drawn") -> Step:
        content = self._text.text(sample.ids, ready.ids, last=sample.finish == "stop")
        encoding = Encoding(self._text.vocabulary, sample.ids)
        return Step(content, sample.log_probability, len(sample.ids), sample.finish, encoding)


def _check_ranges(counts: Mapping[str, int | None], cache_mib: int, delimiter: str, sampling: Sampling) -> None:
    for name, value in counts.items():
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if cache_mib < 1:
        raise ValueError(f"cache_mib must be at least 1, not {cache_mib}; set  reuse: false  to keep nothing")
    if not delimiter:
        raise ValueError("delimiter must not be empty")
    check_sampling(sampling)


def _likelihood(ready: "Ready", value: float) -> Likelihood:
    usage = Usage(prompt_tokens=len(ready.ids), scored_tokens=len(ready.given))
    reason = _NO_NUMBERS if value != value else None
    return Likelihood(value, len(ready.given), reason, usage)


def _end_ids(model: Any) -> list[int]:
    """Tokens that end an answer, as the checkpoint's generation settings say."""
    ids = getattr(model.generation_config, "eos_token_id", None)
    return [] if ids is None else [ids] if isinstance(ids, int) else list(ids)
