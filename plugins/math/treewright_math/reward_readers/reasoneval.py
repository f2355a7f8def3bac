r"""ReasonEval (arXiv 2404.05692): three classes, read at the last token of every step.

    Question:\n problem \nAnswer:\nLet's think step by step.\n step 1 step 2 …

    p = softmax(Linear(c, 3)(h_m)),   m the last token of step t;   validity = p[1] + p[2],  redundancy = p[1]

The classes are negative, neutral and positive. The pad token separates the steps only while they are tokenised, and
is taken out again, so the model never sees a separator. The 7B (Mistral) begins with its bos token.

Source: GAIR-NLP/ReasonEval, codes/examples.py; minimum of the validities for a solution, thresholds 0.5 and 0.15.
The score here is the validity. ``reasoneval-redundancy`` gives 1 - p[1], so that higher is better as everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from treewright_math.reward_readers.layout_parts import owners, refuse_control_tokens
from treewright_math.reward_readers.measures import class_probability
from treewright_math.reward_readers.recipe import Answer, CannotBeLaidOut, Head, LaidOut, Layer, Recipe
from treewright_math.reward_readers.vocabulary import Vocabulary
from treewright_registry import ConfigurationError


def separated_steps(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """Prompt and steps without separators, read at each step's last token."""
    refuse_control_tokens(vocabulary, answer)
    separator, number = _separator(vocabulary)
    prompt = f"Question:\n{answer.problem}\nAnswer:\nLet's think step by step.\n"
    parts = [prompt, *(piece.text for piece in answer.pieces)]
    tokens = vocabulary.encode("".join(part + separator for part in parts), begin=True)
    begins = [tokens[0]] if tokens[0] == vocabulary.tokenizer.bos_token_id else []
    ids, ends = list(begins), []
    for token in tokens[len(begins) :]:
        if token == number:
            ends.append(len(ids) - 1)
        else:
            ids.append(token)
    if len(ends) != len(parts):
        raise CannotBeLaidOut(f"{len(parts)} parts gave {len(ends)} separators")
    return LaidOut(tuple(ids), tuple(ends[1:]), owners(answer))


def _separator(vocabulary: Vocabulary) -> tuple[str, int]:
    """Text and id of the pad token."""
    text, number = vocabulary.tokenizer.pad_token, vocabulary.tokenizer.pad_token_id
    if not text:
        raise ConfigurationError(
            f"recipe '{vocabulary.recipe}' separates steps by the pad token, and this tokenizer has none"
            "\n    use the checkpoint's own tokenizer files"
        )
    return text, number


def not_redundant(numbers: Any) -> Any:
    """One less the probability of the neutral class."""
    return 1.0 - numbers.softmax(-1)[:, 1]


REASONEVAL: Final = Recipe(
    name="reasoneval",
    checkpoints=("GAIR/ReasonEval-7B", "GAIR/ReasonEval-34B"),
    source="GAIR-NLP/ReasonEval, codes/examples.py",
    model_types=("mistral", "llama"),
    layout=separated_steps,
    output=Head(forms=((Layer("score_head.weight", "score_head.bias", outputs=3, bias_optional=True),),)),
    measure=class_probability(1, 2),
    range=(0.0, 1.0),
    link="probability",
    aggregation="min",
    threshold=0.5,
)

REASONEVAL_REDUNDANCY: Final = replace(REASONEVAL, name="reasoneval-redundancy", measure=not_redundant, threshold=0.85)
