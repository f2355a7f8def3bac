"""The two ways of SPECS: as its authors' code does it, and as its theory assumes.

==================  ============================================  ==========================================
setting             released                                      exact
==================  ============================================  ==========================================
log-ratio           mean over tokens                              sum
duplicates          dropped (the law then loses π_S)              kept: their number is their weight
S must exceed       0.7 β                                         nothing
temperature         0.3                                           the policies' own
tokens of a block   at most 512                                   the policies' own limit
choice of a draft   softmax(S / temperature)                      softmax(S)
target's block      best reward                                   softmax(β r)
begins with         the target                                    the draft
back to drafting    a reward above 0.7                            always
finished blocks     kept aside, the best one is the answer;       chosen like any block, and then the answer
                    drafts count S, target blocks r
==================  ============================================  ==========================================

Origin: ``released`` is ``run.sh`` of mert-cemri/SPECS (β 10, τ_rej 7 = 10 × 0.7, T 0.3, at most 30
rounds of 512 tokens, n in {4, 8, 16}), the only complete setting there. ``exact`` is ours: the choices
under which each block has the law of soft best-of-n and nears the tilted target.
"""

from dataclasses import dataclass
from math import inf
from typing import Literal, TypeAlias

from treewright.searches.drafted_blocks import LengthNorm

Mode: TypeAlias = Literal["released", "exact"]
Author: TypeAlias = Literal["draft", "target"]
TargetChoice: TypeAlias = Literal["best", "softmax"]


@dataclass(frozen=True)
class Setting:
    """What a mode says where the options say nothing; the table above has the meanings.

    Attributes:
        length_norm: of the log-ratio.
        dedupe: whether blocks with equal content count once.
        reject_reward: τ_rej / β.
        back_reward: τ_back.
        temperature: sampling temperature, ``None`` for the policies' own.
        max_tokens: upper limit for each block, ``None`` for the policies' own.
        selection_temperature: of the softmax over S; ``None``: the sampling temperature, 1 if unset.
        target_choice: how one of the target's blocks is chosen.
        begins: who makes the first block.
        pool: whether finished blocks are kept aside instead of being chosen.
    """

    length_norm: LengthNorm
    dedupe: bool
    reject_reward: float
    back_reward: float
    temperature: float | None
    max_tokens: int | None
    selection_temperature: float | None
    target_choice: TargetChoice
    begins: Author
    pool: bool


SETTINGS: dict[Mode, Setting] = {
    "released": Setting(
        length_norm="mean",
        dedupe=True,
        reject_reward=0.7,
        back_reward=0.7,
        temperature=0.3,
        max_tokens=512,
        selection_temperature=None,
        target_choice="best",
        begins="target",
        pool=True,
    ),
    "exact": Setting(
        length_norm="sum",
        dedupe=False,
        reject_reward=-inf,
        back_reward=-inf,
        temperature=None,
        max_tokens=None,
        selection_temperature=1.0,
        target_choice="softmax",
        begins="draft",
        pool=False,
    ),
}
