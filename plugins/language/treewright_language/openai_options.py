"""What the options of ``language/openai`` may be, together: refuses what cannot work or has no effect."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from treewright_language.checkpoints import check_tokenizer
from treewright_language.endpoint import check_address
from treewright_language.openai_laws import check_extra_law
from treewright_language.sampling_range import check_sampling
from treewright_registry import ConfigurationError

if TYPE_CHECKING:
    from treewright_language.openai_policy import OpenAIPolicy

_FIELDS = {
    "which the policy sets": ("model", "messages", "prompt", "n", "seed", "stream", "stream_options", "best_of"),
    "which are options, and a search's to ask": ("temperature", "top_p", "max_tokens", "stop", "logprobs"),
    "which 'limit_field' sets": ("max_completion_tokens",),
    "which decide where an answer ends, as max_tokens and stop do": (
        "min_tokens",
        "ignore_eos",
        "stop_token_ids",
        "include_stop_str_in_output",
    ),
    "which makes answers that are no samples": ("use_beam_search",),
    "which brings what is not read": ("top_logprobs",),
    "which 'scoring' sets": ("echo", "prompt_logprobs"),
    "which 'token_ids' sets": ("return_token_ids",),
    "which 'continuation' sets": ("continue_final_message", "add_generation_prompt"),
}
"""Why fields must not stand in ``extra``, where they would win over what was asked for, and which."""


def check_options(policy: "OpenAIPolicy | SimpleNamespace") -> None:
    """Refuse options that are out of range, contradict each other, or have no effect.

    Raises:
        ValueError: says which, and what to set.
        ConfigurationError: ``base_url`` is no address, or ``tokenizer`` names none.
    """
    if not policy.model:
        raise ValueError("model must name a model of the server")
    if not policy.delimiter or "" in policy.stop:
        raise ValueError("delimiter and stop strings must not be empty")
    if policy.logprobs and not policy.server_stops:
        raise ValueError("logprobs: true needs server_stops: true, since log-probabilities cover what is cut off here")
    if policy.base_url is not None:
        check_address(policy.base_url, "base_url")
    _check_extra(policy.extra)
    _check_api(policy)
    _check_tokenizer(policy.tokenizer)
    _check_scoring(policy)
    check_extra_law(policy.logprob_law, policy.logprobs, policy.scoring != "none", policy.extra)
    check_sampling(policy.sampling)


def _check_extra(extra: Mapping[str, Any]) -> None:
    for reason, names in _FIELDS.items():
        held = [name for name in names if name in extra]
        if held:
            raise ValueError(f"extra must not hold {', '.join(held)}, {reason}")


def _check_api(policy: "OpenAIPolicy | SimpleNamespace") -> None:
    chat = policy.api == "chat"
    if chat and policy.tokenizer is not None:
        raise ValueError("tokenizer is for api: completions; with api: chat the server applies its own template")
    if policy.token_ids and (chat or policy.tokenizer is None):
        raise ValueError("token_ids: true needs api: completions and tokenizer, the folder of the model's tokenizer")
    if not chat and policy.limit_field == "max_completion_tokens":
        raise ValueError(
            "limit_field: max_completion_tokens is for api: chat; the completions API has max_tokens alone"
        )
    if not chat and policy.continuation != "turn":
        raise ValueError("continuation is for api: chat; with api: completions the text is always continued")


def _check_tokenizer(tokenizer: str | None) -> None:
    try:
        if tokenizer is not None:
            check_tokenizer(tokenizer)
    except ConfigurationError as error:
        raise ConfigurationError(f"tokenizer: {error}") from None


def _check_scoring(policy: "OpenAIPolicy | SimpleNamespace") -> None:
    chat = policy.api == "chat"
    if chat and policy.scoring == "echo":
        raise ValueError("scoring: echo needs api: completions; with api: chat vLLM offers scoring: prompt_logprobs")
    if chat and policy.scoring != "none" and policy.continuation == "turn":
        raise ValueError(
            "scoring: prompt_logprobs with api: chat needs continuation: message (or prefill), so that a step is"
            " scored where it was written"
        )
    if policy.token_ids and policy.scoring == "echo":
        raise ValueError("token_ids: true needs scoring: prompt_logprobs, since echo is about text")
