"""ReasonFlux-PRM (arXiv 2506.18896): the 7B reads steps like Qwen's model, the 1.5B gives one number for an answer.

    7B     chat without system message, mark ``<extra_0>`` after every step; as in ``qwen_math_prm``
    1.5B   problem + answer as plain text; r = sigmoid(Linear(c, 1)(h_last)), at most 2,048 tokens;
           the head lies in ``reward_head.pt`` beside the backbone

Source: the repository's README and rm_utils (Gen-Verse/ReasonFlux), by its description in the reference notes. An
answer's number under the 7B is the mean of its steps' numbers (plus α times the answer's own, which the 7B's
published reading does not give). Longer answers than 2,048 tokens are truncated there, and fail here.
"""

from __future__ import annotations

from typing import Final

from treewright_math.reward_readers.layout_parts import refuse_control_tokens
from treewright_math.reward_readers.measures import class_probability, sigmoid
from treewright_math.reward_readers.qwen_math_prm import MARK, PROCESS_HEAD, marked_chat
from treewright_math.reward_readers.recipe import Answer, Head, LaidOut, Layer, Recipe, VendorToken
from treewright_math.reward_readers.vocabulary import Vocabulary


def plain_text(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """Problem and answer as they are, read at the last token."""
    refuse_control_tokens(vocabulary, answer)
    ids = vocabulary.encode(answer.problem + "".join(answer.steps), begin=True)
    return LaidOut(tuple(ids), (len(ids) - 1,), (len(answer.steps) - 1,))


REASONFLUX_7B: Final = Recipe(
    name="reasonflux-prm-7b",
    checkpoints=("Gen-Verse/ReasonFlux-PRM-7B",),
    source="repository's README",
    model_types=("qwen2",),
    layout=marked_chat(""),
    output=PROCESS_HEAD,
    measure=class_probability(1),
    range=(0.0, 1.0),
    link="probability",
    aggregation="mean",
    threshold=0.5,
    tokens=(VendorToken(MARK),),
)

REASONFLUX_1_5B: Final = Recipe(
    name="reasonflux-prm-1.5b",
    checkpoints=("Gen-Verse/ReasonFlux-PRM-1.5B",),
    source="repository's README",
    model_types=("qwen2",),
    layout=plain_text,
    output=Head(forms=((Layer("weight", "bias", outputs=1),),), file="reward_head"),
    measure=sigmoid,
    range=(0.0, 1.0),
    link="probability",
    level="outcome",
    aggregation="last",
    threshold=0.5,
    separator="",
    max_tokens=2048,
)
