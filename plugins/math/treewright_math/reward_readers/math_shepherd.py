"""Math-Shepherd (arXiv 2312.08935): a language model that writes + or - where a step's tag stands.

    problem Step 1: … ки
    Step 2: … ки

    r_t = softmax(logits_m["+", "-"])["+"],   m the position of the t-th tag ``ки`` itself

The tag's own position is read, although a language model's logits there speak of the *next* token: the model was
trained so. The softmax is over the two ids, not the vocabulary.

Source: model card of peiyi9979/math-shepherd-mistral-7b-prm (ids 648, 387 and 12902 stand in it); minimum over steps:
Athena and OpenR use it so.
"""

from __future__ import annotations

from typing import Final

from treewright_math.reward_readers.layout_parts import numbered, one_each, owners, positions, refuse_control_tokens
from treewright_math.reward_readers.measures import class_probability
from treewright_math.reward_readers.recipe import Answer, LaidOut, Recipe, TokenLogits, VendorToken
from treewright_math.reward_readers.vocabulary import Vocabulary

TAG: Final = "ки"


def tagged_steps(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """One text, a tag after each numbered step."""
    refuse_control_tokens(vocabulary, answer)
    text = f"{answer.problem} " + "".join(f"{step} {TAG}\n" for step in numbered(answer))
    ids = vocabulary.encode(text, begin=True)
    tags = one_each(positions(ids, [vocabulary.id_of(TAG)]), answer, TAG)
    return LaidOut(tuple(ids), tags, owners(answer))


MATH_SHEPHERD: Final = Recipe(
    name="math-shepherd",
    checkpoints=("peiyi9979/math-shepherd-mistral-7b-prm",),
    source="model card",
    model_types=("mistral", "llama", "qwen2", "qwen3"),
    layout=tagged_steps,
    output=TokenLogits(tokens=("+", "-")),
    measure=class_probability(0),
    range=(0.0, 1.0),
    link="probability",
    aggregation="min",
    threshold=0.5,
    tokens=(VendorToken(TAG, 12902), VendorToken("+", 648), VendorToken("-", 387)),
)
