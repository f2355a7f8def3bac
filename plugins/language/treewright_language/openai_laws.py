"""Which law a server's log-probabilities follow, and whether samples are drawn from it.

Servers report log-probabilities of samples under the *model's own* law, softmax of the logits (vLLM's
``raw_logprobs``), or under the law they *sample* from, behind temperature, top-p and the like
(``processed_logprobs``). Those of given text are always the model's own. So samples and scores are of one
law at temperature 1 and top_p 1, and nowhere else; a weight made of two laws is wrong without a word.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from treewright_registry import Sampling

Law: TypeAlias = Literal["model", "sampled", "untied"]

_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "top_k": (None, 0, -1),
    "min_p": (None, 0),
    "typical_p": (None, 1),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "repetition_penalty": (None, 1),
    "logit_bias": (None, {}),
    "allowed_token_ids": (None,),
    "bad_words": (None, []),
    "response_format": (None,),
    "structured_outputs": (None,),
    "guided_json": (None,),
    "guided_regex": (None,),
    "guided_choice": (None,),
    "guided_grammar": (None,),
}
"""Fields of servers that change the law drawn from, beside temperature and top_p, and at which values they do not."""


def in_effect(own: Sampling, asked: Sampling) -> Sampling:
    """How a request is drawn: what it asks for wins over the policy's own setting."""
    return Sampling(
        asked.unit,
        own.temperature if asked.temperature is None else asked.temperature,
        own.top_p if asked.top_p is None else asked.top_p,
        own.max_tokens if asked.max_tokens is None else asked.max_tokens,
    )


def against_sampled(law: Law, drawn: Sampling) -> str | None:
    """Why the log-probabilities of samples would be those of another law, and what to set; ``None`` if they are not."""
    if law != "model" or _is_models_own(drawn):
        return None
    return (
        f"{_shown(drawn)}: the server tells log-probabilities of the model's own law (logprob_law: model), which is the"
        " one sampled from only at temperature 1 and top_p 1; set  temperature: 1.0  and  top_p: 1.0,"
        "  or  logprob_law: sampled  for a server that tells those of the sampled law (vLLM: --logprobs-mode"
        " processed_logprobs),  or  logprob_law: untied  where the model's own are wanted whatever is sampled"
        " (rule: puct)"
    )


def against_scores(drawn: Sampling) -> str | None:
    """Why the likelihood of given steps would be that of another law, and what to set; ``None`` if it is not."""
    if _is_models_own(drawn):
        return None
    return (
        f"{_shown(drawn)}: the server tells the likelihood of given steps under the model's own law (temperature 1,"
        " top_p 1) and no other; set  temperature: 1.0  and  top_p: 1.0,  of the search or of the policy"
    )


def check_extra_law(law: Law, logprobs: bool, scoring: bool, extra: Mapping[str, Any]) -> None:
    """Refuse fields that change the law sampled from where the model's own is told.

    Raises:
        ValueError: which ones, and what to set.
    """
    if law == "untied":
        if scoring:
            raise ValueError(
                "logprob_law: untied is for log-probabilities of samples alone; with scoring, set  logprob_law: model"
                "  or  sampled"
            )
        if not logprobs:
            raise ValueError("logprob_law: untied has no effect without  logprobs: true")
    changing = [name for name, neutral in _NEUTRAL.items() if name in extra and extra[name] not in neutral]
    if changing and (scoring or (logprobs and law == "model")):
        remedy = "set  scoring: none" if scoring else "set  logprob_law: sampled  or  untied"
        raise ValueError(
            f"extra holds {', '.join(changing)}, so that samples follow another law than the model's own, which"
            f" {'scoring' if scoring else 'logprob_law: model'} tells; leave it out, or {remedy}"
        )


def _is_models_own(drawn: Sampling) -> bool:
    # unset is not 1: the server's default holds, which the checkpoint's generation_config.json may set
    return (drawn.temperature, drawn.top_p) == (1.0, 1.0)


def _shown(drawn: Sampling) -> str:
    return f"temperature {_value(drawn.temperature)} and top_p {_value(drawn.top_p)}"


def _value(value: float | None) -> str:
    return "unset (the server's default)" if value is None else f"{value:g}"
