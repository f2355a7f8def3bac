r"""Token classifiers read at separators: PURE, and what TRL's trainer makes.

    PURE   problem step 1 \n\n step 2 \n\n …       r_t = p[1] - p[0]   in [-1, 1], threshold 0
    TRL    problem step 1 \n step 2 \n …           r_t = p[1]

    p = softmax(score(h_m)),   m the last token of the t-th separator

Problem and steps are tokenised one by one, without special tokens (TRL puts the bos token in front, if there is one).
TRL's own evaluation looks at the class only: a step is wrong where class 0 wins, which is r_t < 0.5.

Sources: CJReinforce/PURE (evaluation; its softened minimum, softmax(-r/0.1), makes an answer's number), TRL's trainer
of process reward models, and huggingface/ProcessBench. TRL says nothing of whole answers; the minimum is ours.
"""

from __future__ import annotations

from typing import Final

from treewright_math.reward_readers.layout_parts import owners, refuse_control_tokens
from treewright_math.reward_readers.measures import class_probability, probability_difference
from treewright_math.reward_readers.recipe import Answer, Head, LaidOut, Layer, Layout, Recipe, VendorToken
from treewright_math.reward_readers.vocabulary import Vocabulary

CLASSIFIER: Final = Head(
    forms=(
        (Layer("score.weight", "score.bias", outputs=2, bias_optional=True),),
        (
            Layer("score.0.weight", "score.0.bias", times_hidden=1),
            Layer("score.2.weight", "score.2.bias", outputs=2),
        ),
    )
)


def separated(separator: str, *, begins: bool) -> Layout:
    """Problem, then steps each with a separator behind it.

    Args:
        separator: its text.
        begins: whether the tokenizer's bos token comes first, where it has one.
    """

    def layout(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
        refuse_control_tokens(vocabulary, answer)
        ids = vocabulary.encode(answer.problem)
        bos = vocabulary.tokenizer.bos_token_id
        if begins and bos is not None:
            ids = [bos, *ids]
        mark = vocabulary.encode(separator)
        reads = []
        for piece in answer.pieces:
            ids += [*vocabulary.encode(piece.text), *mark]
            reads.append(len(ids) - 1)
        return LaidOut(tuple(ids), tuple(reads), owners(answer))

    return layout


PURE: Final = Recipe(
    name="pure",
    checkpoints=("jinachris/PURE-PRM-7B", "jinachris/Qwen2.5-Math-7B-PRM800K"),
    source="CJReinforce/PURE",
    model_types=("qwen2",),
    layout=separated("\n\n", begins=False),
    output=CLASSIFIER,
    measure=probability_difference(1, 0),
    range=(-1.0, 1.0),
    link="real",
    aggregation="soft-min",
    threshold=0.0,
    tokens=(VendorToken("\n\n"),),
)

TRL: Final = Recipe(
    name="trl",
    checkpoints=("plaguss/Qwen2.5-Math-1.5B-Instruct-PRM-0.2", "plaguss/Qwen2.5-Math-7B-Instruct-PRM-0.1"),
    source="TRL's trainer of process reward models; huggingface/ProcessBench",
    model_types=("qwen2", "llama", "mistral", "qwen3"),
    layout=separated("\n", begins=True),
    output=CLASSIFIER,
    measure=class_probability(1),
    range=(0.0, 1.0),
    link="probability",
    aggregation="min",
    threshold=0.5,
    separator="\n",
)
