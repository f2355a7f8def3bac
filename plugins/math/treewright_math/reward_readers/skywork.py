r"""Skywork-o1-Open-PRM: a value head read at the end of every line.

    bos problem \n line 1 \n line 2 \n …

    r_t = sigmoid(Linear(c, 1)(h_m)),   m the position of the t-th line's final \n

Every line is tokenised by itself and gets the newline's token behind it. The vendor's vLLM plugin returns the
head's raw value; the probability is its sigmoid. Empty lines are left out here.

Source: SkyworkAI/skywork-o1-prm-inference (input, head, names of tensors). How a whole answer is scored is not said
there; the mean is ours. PRMBench judges differences of neighbouring scores (threshold -0.05); 0.5 is ours.
"""

from __future__ import annotations

from typing import Final

from treewright_math.reward_readers.layout_parts import owners, refuse_control_tokens
from treewright_math.reward_readers.measures import sigmoid
from treewright_math.reward_readers.recipe import Answer, Head, LaidOut, Layer, Recipe, VendorToken
from treewright_math.reward_readers.vocabulary import Vocabulary


def flagged_lines(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """The problem, then line after line, read at each line's end."""
    refuse_control_tokens(vocabulary, answer)
    ids = vocabulary.encode(f"{vocabulary.bos}{answer.problem}\n")
    reads = []
    for piece in answer.pieces:
        ids += [*vocabulary.encode(piece.text), vocabulary.id_of("\n")]
        reads.append(len(ids) - 1)
    return LaidOut(tuple(ids), tuple(reads), owners(answer))


SKYWORK: Final = Recipe(
    name="skywork-o1-prm",
    checkpoints=("Skywork/Skywork-o1-Open-PRM-Qwen-2.5-1.5B", "Skywork/Skywork-o1-Open-PRM-Qwen-2.5-7B"),
    source="SkyworkAI/skywork-o1-prm-inference",
    model_types=("qwen2",),
    layout=flagged_lines,
    output=Head(forms=((Layer("v_head.summary.weight", "v_head.summary.bias", outputs=1),),)),
    measure=sigmoid,
    range=(0.0, 1.0),
    link="probability",
    aggregation="mean",
    threshold=0.5,
    separator="\n",
    tokens=(VendorToken("\n"),),
)
