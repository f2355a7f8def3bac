"""RLHFlow's reward models: a chat in which the assistant answers every step with + or -.

    user       problem + " " + step 1
    assistant  +
    user       step 2
    assistant  +
    …

    r_t = softmax(logits_p["+", "-"])["+"],   p the position that *predicts* the assistant's t-th token

Each turn's answer is written as + whatever the model thinks of it, as in RLHFlow's own evaluation, so one forward
pass reads all steps. The outcome model gets problem and whole answer in one turn. PRMBench takes the softmax
over the whole vocabulary instead; this is RLHFlow's.

Source: RLHFlow/RLHF-Reward-Modeling, math-rm/prm_evaluate.py (mean over steps); the ids are Llama 3's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from treewright_math.reward_readers.layout_parts import one_each, owners, positions, refuse_control_tokens
from treewright_math.reward_readers.measures import class_probability
from treewright_math.reward_readers.recipe import Answer, LaidOut, Recipe, TokenLogits, VendorToken
from treewright_math.reward_readers.vocabulary import Vocabulary

HEADER: Final = ("<|start_header_id|>", "assistant", "<|end_header_id|>", "\n\n")
VERDICT: Final = ("+", "<|eot_id|>")

TOKENS: Final = (
    VendorToken("<|start_header_id|>", 128006),
    VendorToken("assistant", 78191),
    VendorToken("<|end_header_id|>", 128007),
    VendorToken("\n\n", 271),
    VendorToken("+", 10),
    VendorToken("-", 12),
    VendorToken("<|eot_id|>", 128009),
)


def a_turn_for_each_step(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """The chat with one user turn per step."""
    refuse_control_tokens(vocabulary, answer)
    turns = [piece.text.strip() for piece in answer.pieces]
    turns[0] = f"{answer.problem} {turns[0]}"
    ids = _chat(vocabulary, turns)
    return LaidOut(tuple(ids), one_each(_predicting(vocabulary, ids), answer, "'+'"), owners(answer))


def one_turn(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """The chat with problem and whole answer in one user turn."""
    refuse_control_tokens(vocabulary, answer)
    ids = _chat(vocabulary, [f"{answer.problem} {''.join(answer.steps).strip()}"])
    return LaidOut(tuple(ids), (_predicting(vocabulary, ids)[-1],), (len(answer.steps) - 1,))


def _chat(vocabulary: Vocabulary, turns: Sequence[str]) -> list[int]:
    messages = [
        message
        for turn in turns
        for message in ({"role": "user", "content": turn}, {"role": "assistant", "content": "+"})
    ]
    return vocabulary.encode(vocabulary.chat(messages))


def _predicting(vocabulary: Vocabulary, ids: Sequence[int]) -> list[int]:
    """Positions of the last token before each verdict."""
    pattern = [vocabulary.id_of(text) for text in (*HEADER, *VERDICT)]
    return [start + len(HEADER) - 1 for start in positions(ids, pattern)]


RLHFLOW_PRM: Final = Recipe(
    name="rlhflow-prm",
    checkpoints=("RLHFlow/Llama3.1-8B-PRM-Deepseek-Data", "RLHFlow/Llama3.1-8B-PRM-Mistral-Data"),
    source="RLHFlow/RLHF-Reward-Modeling, math-rm",
    model_types=("llama", "mistral", "qwen2", "qwen3"),
    layout=a_turn_for_each_step,
    output=TokenLogits(tokens=("+", "-")),
    measure=class_probability(0),
    range=(0.0, 1.0),
    link="probability",
    aggregation="mean",
    threshold=0.5,
    tokens=TOKENS,
)

RLHFLOW_ORM: Final = Recipe(
    name="rlhflow-orm",
    checkpoints=("RLHFlow/Llama3.1-8B-ORM-Deepseek-Data", "RLHFlow/Llama3.1-8B-ORM-Mistral-Data"),
    source="RLHFlow/RLHF-Reward-Modeling, math-rm",
    model_types=("llama", "mistral", "qwen2", "qwen3"),
    layout=one_turn,
    output=TokenLogits(tokens=("+", "-")),
    measure=class_probability(0),
    range=(0.0, 1.0),
    link="probability",
    level="outcome",
    aggregation="last",
    threshold=0.5,
    separator="",
    tokens=TOKENS,
)
