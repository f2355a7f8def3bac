r"""Token classifiers read at separators: PURE, and what TRL's trainer makes.

    PURE   problem step 1 \n step 2 \n …             r_t = p[1] - p[0]   in [-1, 1], threshold 0
    TRL    problem \n\n step 1 \n\n step 2 \n\n …    r_t = p[1]

    p = softmax(score(h_m)),   m the last token of the separator behind step t

PURE cuts answers at empty lines, tokenises problem, steps and marks one by one, and writes nothing between problem and
first step. PURE-PRM-7B has a newline behind each step, the earlier Qwen2.5-Math-7B-PRM800K an empty line.

TRL's documentation and its authors' evaluation read each beginning as one text,
``separator.join((problem, *steps[:t])) + separator``, at its last token: a separator stands behind the problem too,
and ``.\n\n`` may be one token. The bos token comes in front, if there is one. A model must be read with the separator
that it was trained with: the two published ones with an empty line, others with a newline; so the separator that steps
are cut at is the one that is written.
TRL's own evaluation looks at the class only: a step is wrong where class 0 wins, which is r_t < 0.5.

Sources: CJReinforce/PURE (evaluation; its softened minimum, softmax(-r/0.1), makes an answer's number), TRL's trainer
of process reward models, and huggingface/ProcessBench. TRL says nothing of whole answers; the minimum is ours.
"""

from __future__ import annotations

from typing import Final

from treewright_math.reward_readers.layout_parts import owners, refuse_control_tokens
from treewright_math.reward_readers.measures import class_probability, probability_difference
from treewright_math.reward_readers.recipe import Answer, CannotBeLaidOut, Head, LaidOut, Layer, Recipe, VendorToken
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


def part_by_part(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """Problem, then steps each with the mark behind it, all tokenised one by one; read at each mark."""
    refuse_control_tokens(vocabulary, answer)
    ids = vocabulary.encode(answer.problem)
    mark = vocabulary.encode(answer.mark)
    reads = []
    for piece in answer.pieces:
        ids += [*vocabulary.encode(piece.text), *mark]
        reads.append(len(ids) - 1)
    return LaidOut(tuple(ids), tuple(reads), owners(answer))


def as_one_text(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """Problem and steps, each with the mark behind it, as one text; read where each step's beginning of it ends."""
    refuse_control_tokens(vocabulary, answer)
    bos = vocabulary.tokenizer.bos_token_id
    begin = [] if bos is None else [bos]
    text, reads, ids = answer.problem + answer.mark, [], begin
    for number, piece in enumerate(answer.pieces, 1):
        text += piece.text + answer.mark
        before, ids = ids, begin + vocabulary.encode(text)
        if number > 1 and ids[: len(before)] != before:
            raise CannotBeLaidOut(f"reasoning step {number} changes how the tokenizer reads the text before it")
        reads.append(len(ids) - 1)
    return LaidOut(tuple(ids), tuple(reads), owners(answer))


def _pure(name: str, checkpoint: str, mark: str) -> Recipe:
    return Recipe(
        name=name,
        checkpoints=(checkpoint,),
        source="CJReinforce/PURE",
        model_types=("qwen2",),
        layout=part_by_part,
        output=CLASSIFIER,
        measure=probability_difference(1, 0),
        range=(-1.0, 1.0),
        link="real",
        aggregation="soft-min",
        threshold=0.0,
        mark=mark,
        tokens=(VendorToken(mark),),
    )


PURE: Final = _pure("pure", "jinachris/PURE-PRM-7B", "\n")
PURE_PRM800K: Final = _pure("pure-prm800k", "jinachris/Qwen2.5-Math-7B-PRM800K", "\n\n")

TRL: Final = Recipe(
    name="trl",
    checkpoints=("plaguss/Qwen2.5-Math-1.5B-Instruct-PRM-0.2", "plaguss/Qwen2.5-Math-7B-Instruct-PRM-0.1"),
    source="TRL's documentation of process reward models; huggingface/ProcessBench",
    model_types=("qwen2", "llama", "mistral", "qwen3"),
    layout=as_one_text,
    output=CLASSIFIER,
    measure=class_probability(1),
    range=(0.0, 1.0),
    link="probability",
    aggregation="min",
    threshold=0.5,
    mark="",
)
