r"""Implicit process rewards (arXiv 2412.01981): how much likelier a model finds the answer than its reference does.

    R_t = β Σ_{tokens of steps 1..t} (log π(token | before) - log π_ref(token | before)),   β = 0.001

``implicit-prm`` gives R_t at the end of each step, ``implicit-prm-single`` gives R_t - R_{t-1}. Both are unbounded on
both sides; ProcessBench is judged with sigmoid(R_t) and a threshold fitted on one subset, so 0 (sigmoid 0.5) is a mere
starting point.

    chat: user = problem, assistant = Step 1: … \n\n Step 2: … \n\n …

Source: PRIME-RL/ImplicitPRM (β; minimum, mean or sum over steps, minimum by default) and the model card of
PRIME-RL/EurusPRM-Stage1. The separator before a step counts as that step's (ours), so a step's number does not change
when another follows.
"""

from __future__ import annotations

from typing import Final

from treewright_math.reward_readers.aggregation import Aggregation
from treewright_math.reward_readers.layout_parts import numbered, owners, refuse_control_tokens
from treewright_math.reward_readers.measures import as_it_is
from treewright_math.reward_readers.recipe import Answer, LaidOut, LogRatio, Recipe
from treewright_math.reward_readers.vocabulary import Vocabulary

INF: Final = float("inf")


def answered_chat(vocabulary: Vocabulary, answer: Answer) -> LaidOut:
    """The chat up to the answer, then step after step, read at each one's last token."""
    refuse_control_tokens(vocabulary, answer)
    ids = vocabulary.encode(vocabulary.chat([{"role": "user", "content": answer.problem}], answer_follows=True))
    start, reads = len(ids), []
    for index, step in enumerate(numbered(answer)):
        ids += vocabulary.encode(("\n\n" if index else "") + step)
        reads.append(len(ids) - 1)
    return LaidOut(tuple(ids), tuple(reads), owners(answer), start)


def _implicit(name: str, *, single: bool, aggregation: Aggregation) -> Recipe:
    return Recipe(
        name=name,
        checkpoints=(
            "PRIME-RL/EurusPRM-Stage1, -Stage2",
            "Windy0822/Llama-3.1-8B-Instruct implicit PRMs (ce, dpo)",
        ),
        source="PRIME-RL/ImplicitPRM",
        model_types=("llama", "qwen2", "mistral", "qwen3"),
        layout=answered_chat,
        output=LogRatio(beta=0.001, single=single),
        measure=as_it_is,
        range=(-INF, INF),
        link="logit",
        aggregation=aggregation,
        threshold=0.0,
    )


IMPLICIT_PRM: Final = _implicit("implicit-prm", single=False, aggregation="min")
IMPLICIT_PRM_SINGLE: Final = _implicit("implicit-prm-single", single=True, aggregation="sum")
