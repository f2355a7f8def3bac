r"""A head that also sees how likely the language model itself finds each step: the form of the embedded reward model.

    user       the problem
    assistant  step 1 \n step 2 \n …

    ℓ_p = log π(token_p | before),   g_p = ℓ_p − max_v log π(v | before),   π the backbone with its tied output layer
    x_t = (h_t,  min ℓ,  mean ℓ,  min g,  Σ ℓ / 4  over the tokens of step t,  min ℓ,  min g  over steps 1..t)
    r_t = softmax(score(x_t))[1],   score = Linear(c + 6, c + 6), ReLU, Linear(c + 6, 2)

h_t is the last hidden state at the step's last token; likelihoods are cut at −12 and divided by 4. A small network has
learnt to write the next token long before it has learnt to judge one, and what it would not have written is
suspect: given the likelihoods, a head learns in minutes what a head on hidden states alone did not learn in an hour.

Source: ours; the likelihoods are those of implicit process rewards (arXiv 2412.01981) without a reference model.
"""

from __future__ import annotations

from typing import Final

from treewright_math.reward_readers.layout_parts import owners, refuse_control_tokens
from treewright_math.reward_readers.measures import class_probability
from treewright_math.reward_readers.recipe import Answer, Head, LaidOut, Layer, Recipe
from treewright_math.reward_readers.vocabulary import Vocabulary

NUMBERS: Final = 6


def plain_chat(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """The chat as a language model sees it, read at the last token of each step."""
    refuse_control_tokens(vocabulary, answer)
    ids = vocabulary.encode(vocabulary.chat([{"role": "user", "content": answer.problem}], answer_follows=True))
    start, reads = len(ids), []
    for index, piece in enumerate(answer.pieces):
        ids += vocabulary.encode((answer.mark if index else "") + piece.text)
        reads.append(len(ids) - 1)
    return LaidOut(tuple(ids), tuple(reads), owners(answer), start)


LIKELIHOOD_HEAD: Final = Recipe(
    name="likelihood-head",
    checkpoints=("treewright_math:data/prm",),
    source="ours",
    model_types=("qwen2", "llama"),
    layout=plain_chat,
    output=Head(
        forms=(
            (
                Layer("score.0.weight", "score.0.bias", times_hidden=1),
                Layer("score.2.weight", "score.2.bias", outputs=2),
            ),
        ),
        likelihoods=NUMBERS,
    ),
    measure=class_probability(1),
    range=(0.0, 1.0),
    link="probability",
    aggregation="product",
    threshold=0.5,
    separator="\n",
    mark="",
)
