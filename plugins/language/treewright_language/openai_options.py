"""What the options of ``language/openai`` may be, together: refuses what cannot work or has no effect."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from treewright_language.sampling_range import check_sampling

if TYPE_CHECKING:
    from treewright_language.openai_policy import OpenAIPolicy

_FIELDS = {
    "which the policy sets": ("model", "messages", "prompt", "n", "seed", "stream", "best_of"),
    "which are options, and a search's to ask": ("temperature", "top_p", "max_tokens", "stop", "logprobs"),
    "which 'scoring' sets": ("echo", "prompt_logprobs"),
    "which 'token_ids' sets": ("return_token_ids",),
    "which 'continuation' sets": ("continue_final_message", "add_generation_prompt"),
}
"""Why fields must not stand in ``extra``, where they would win over what was asked for, and which."""

_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "top_k": (None, 0, -1),
    "min_p": (None, 0),
    "typical_p": (None, 1),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "repetition_penalty": (None, 1),
    "logit_bias": (None, {}),
}
"""Fields of servers that change the law drawn from, beside temperature and top_p, and at which values they do not."""


def check_options(policy: "OpenAIPolicy | SimpleNamespace") -> None:
    """Refuse options that are out of range, contradict each other, or have no effect.

    Raises:
        ValueError: says which, and what to set.
    """
    if not policy.model:
        raise ValueError("model must name a model of the server")
    if not policy.delimiter or "" in policy.stop:
        raise ValueError("delimiter and stop strings must not be empty")
    if policy.logprobs and not policy.server_stops:
        raise ValueError("logprobs: true needs server_stops: true, since log-probabilities cover what is cut off here")
    _check_extra(policy.extra)
    _check_api(policy)
    _check_scoring(policy)
    _check_one_law(policy)
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
    if not chat and policy.continuation != "turn":
        raise ValueError("continuation is for api: chat; with api: completions the text is always continued")


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


def _check_one_law(policy: "OpenAIPolicy | SimpleNamespace") -> None:
    if policy.scoring == "none" or policy.logprob_law == "model":
        return
    extra = policy.extra
    changing = [name for name, neutral in _NEUTRAL.items() if name in extra and extra[name] not in neutral]
    if changing:
        raise ValueError(
            f"extra holds {', '.join(changing)}, so that samples follow another law (logprob_law: sampled) than the"
            " likelihoods that scoring tells, the model's own; leave it out, or set  scoring: none"
        )
