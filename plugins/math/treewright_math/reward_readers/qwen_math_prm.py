"""Qwen2.5-Math-PRM and what shares its form: a mark ``<extra_0>`` after every step, two classes read at the mark.

    system     reason step by step, answer in a box
    user       the problem
    assistant  step 1 <extra_0> step 2 <extra_0> …

    r_t = softmax(score(h_m))[1],   m the position of the t-th mark,   score = Linear(c, c), ReLU, Linear(c, 2)

Source: model cards of Qwen/Qwen2.5-Math-PRM-7B and Gen-Verse/ReasonFlux-PRM-7B (the latter without a system
message). A candidate's number is the product of its steps' in best-of-n (SSA's code uses Qwen's model so).
"""

from __future__ import annotations

from typing import Final

from treewright_math.reward_readers.layout_parts import one_each, owners, positions, refuse_control_tokens
from treewright_math.reward_readers.measures import class_probability
from treewright_math.reward_readers.recipe import Answer, Head, LaidOut, Layer, Layout, Recipe, VendorToken
from treewright_math.reward_readers.vocabulary import Vocabulary

MARK: Final = "<extra_0>"
SYSTEM: Final = "Please reason step by step, and put your final answer within \\boxed{}."

PROCESS_HEAD: Final = Head(
    forms=(
        (
            Layer("score.0.weight", "score.0.bias", times_hidden=1),
            Layer("score.2.weight", "score.2.bias", outputs=2),
        ),
    )
)


def marked_chat(system: str) -> Layout:
    """A chat whose assistant message has a mark after every step.

    Args:
        system: the system message; none if empty (a template may then add one of its own).
    """

    def layout(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
        refuse_control_tokens(vocabulary, answer)
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": answer.problem})
        messages.append({"role": "assistant", "content": "".join(piece.text + MARK for piece in answer.pieces)})
        ids = vocabulary.encode(vocabulary.chat(messages))
        marks = one_each(positions(ids, [vocabulary.id_of(MARK)]), answer, MARK)
        return LaidOut(tuple(ids), marks, owners(answer))

    return layout


QWEN_MATH_PRM: Final = Recipe(
    name="qwen2.5-math-prm",
    checkpoints=("Qwen/Qwen2.5-Math-PRM-7B", "Qwen/Qwen2.5-Math-PRM-72B", "Qwen/Qwen2.5-Math-7B-PRM800K"),
    source="model card",
    model_types=("qwen2",),
    layout=marked_chat(SYSTEM),
    output=PROCESS_HEAD,
    measure=class_probability(1),
    range=(0.0, 1.0),
    link="probability",
    aggregation="product",
    threshold=0.5,
    tokens=(VendorToken(MARK),),
)
