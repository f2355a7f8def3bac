r"""MetaStone-S1's SPRM (arXiv 2507.01951): a head on the policy's own backbone, read before every step mark.

    score_t = sigmoid(W2 ReLU(W1 h_p)),   h of the penultimate layer,   p the position *before* the t-th mark
    answer:   geometric mean of the scores; 0 for a trace without marks

Head: Linear(c, 2c), ReLU, (Dropout), Linear(2c, 1): 2c² + 4c + 1 parameters (26M at c = 3584). It lies in
``score_module.pt`` beside the policy's weights.

Marks. English: the tokens that ``".\n\n"`` is made of. Chinese: every token of the vocabulary that holds a newline or
the full stop 。, with at most one other character and at most three in all. Of a run of marks the first counts; one
that follows ``<think>`` directly does not; only those between ``<think>`` and ``</think>`` do. The read position is the
mark's, shifted left by one.

Source: MetaStone-AI/MetaStone-S1, test/score_model_queue.py. One thing is ours: in a text without thinking tags
the whole *answer* is looked at, not the problem too. The published tokenizers have a token for each tag, which is
checked; with ``strict_ids: false`` one that spells a tag in several tokens is read as if the tag were absent.

A trajectory step may hold any number of marks: it gets the geometric mean of its own, or, without any, the number of
the step before it (0 before the first mark).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from treewright_math.reward_readers.layout_parts import refuse_control_tokens
from treewright_math.reward_readers.measures import sigmoid
from treewright_math.reward_readers.recipe import Answer, Head, LaidOut, Layer, Layout, Recipe, VendorToken
from treewright_math.reward_readers.vocabulary import Vocabulary

OPEN: Final = "<think>"
CLOSE: Final = "</think>"


def english_marks(vocabulary: Vocabulary) -> frozenset[int]:
    """The tokens of a full stop and an empty line."""
    return frozenset(vocabulary.encode(".\n\n"))


def chinese_marks(vocabulary: Vocabulary) -> frozenset[int]:
    """Tokens that are hardly more than a newline or a Chinese full stop."""
    tokenizer = vocabulary.tokenizer
    texts = ((number, tokenizer.decode([number])) for number in tokenizer.get_vocab().values())
    return frozenset(
        number
        for number, text in texts
        if len(text) <= 3 and any(mark in text and len(text.replace(mark, "")) <= 1 for mark in ("\n", "。"))
    )


def thinking_chat(language: str) -> Layout:
    """The chat as the policy saw and wrote it, read before each mark of its thinking.

    Args:
        language: ``en`` or ``zh``, whose marks are looked for.
    """
    marks_of = {"en": english_marks, "zh": chinese_marks}[language]

    def layout(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
        refuse_control_tokens(vocabulary, answer, allowed=(OPEN, CLOSE))
        prompt, text = _written(vocabulary, answer)
        ids, places = vocabulary.encode_with_places(prompt + text)
        begin = next((index for index, place in enumerate(places) if place >= len(prompt)), len(ids))
        opening, closing = vocabulary.single(OPEN), vocabulary.single(CLOSE)
        first, end = _thinking(ids, begin, opening, closing)
        marks = _marks(ids, vocabulary.remembered("marks", marks_of), opening)
        reads = tuple(mark - 1 for mark in marks if first <= mark - 1 < end)
        shift = len(text) - sum(map(len, answer.steps))  # below 0 where a tag was taken out of the answer
        owners = tuple(_owner(answer.steps, places[read + 1] - len(prompt) - shift) for read in reads)
        return LaidOut(tuple(ids), reads, owners, begin)

    return layout


def _written(vocabulary: Vocabulary, answer: Answer) -> tuple[str, str]:
    """Prompt and answer; where both write ``<think>``, the answer's is taken out."""
    prompt = vocabulary.chat([{"role": "user", "content": answer.problem}], answer_follows=True)
    text = "".join(answer.steps)
    if prompt.rstrip().endswith(OPEN):
        text = text.removeprefix(OPEN)
        if prompt[-1:].isspace():
            text = text.removeprefix("\n")
    return prompt, text


def _marks(ids: Sequence[int], marks: frozenset[int], opening: int | None) -> Iterator[int]:
    """Positions of the first mark of each run, except directly after ``<think>``."""
    for index, (before, token) in enumerate(pairwise(ids), 1):
        if token in marks and before not in marks and before != opening:
            yield index


def _thinking(ids: Sequence[int], begin: int, opening: int | None, closing: int | None) -> tuple[int, int]:
    """First read position, and the one after the last: within the tags, or, without any, within the answer.

    A tag counts only where it is one token, and stands once.
    """
    opened = [place for place, token in enumerate(ids) if token == opening]
    closed = [place for place, token in enumerate(ids) if token == closing]
    return opened[0] + 1 if len(opened) == 1 else begin, closed[0] if len(closed) == 1 else len(ids)


def _owner(steps: Sequence[str], place: int) -> int:
    """The step that the answer's character at ``place`` belongs to."""
    end = 0
    for index, step in enumerate(steps):
        end += len(step)
        if place < end:
            return index
    return len(steps) - 1


SPRM_HEAD: Final = Head(
    forms=((Layer("0.weight", "0.bias", times_hidden=2), Layer("3.weight", "3.bias", outputs=1)),),
    file="score_module",
    hidden="penultimate",
)


def _sprm(name: str, language: str) -> Recipe:
    return Recipe(
        name=name,
        checkpoints=("MetaStoneTec/MetaStone-S1-1.5B, -7B, -32B", "MetaStoneTec/XBai-o4"),
        source="MetaStone-AI/MetaStone-S1, test/score_model_queue.py",
        model_types=("qwen2", "qwen3", "llama"),
        layout=thinking_chat(language),
        output=SPRM_HEAD,
        measure=sigmoid,
        range=(0.0, 1.0),
        link="probability",
        aggregation="geometric",
        threshold=0.5,
        separator="",
        tokens=(VendorToken(OPEN, may_lack=True), VendorToken(CLOSE, may_lack=True)),
        without_reads=0.0,
    )


METASTONE_SPRM: Final = _sprm("metastone-sprm", "en")
METASTONE_SPRM_ZH: Final = _sprm("metastone-sprm-zh", "zh")
