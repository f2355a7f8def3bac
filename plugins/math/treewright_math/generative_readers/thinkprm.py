r"""ThinkPRM (arXiv 2504.16828): one long review of all steps, then the question whether the solution is correct.

    user       problem, ``Step 1: …`` ``Step 2: …``, the request to review each step
    assistant  Let's verify step by step: … \boxed{correct} … \boxed{incorrect} …
               Is the solution correct? yes | no

    value = P(yes) / (P(yes) + P(no)) behind the question, mean over several reviews;
    a step's score = the share of reviews that box it as correct (a step without verdict counts one half)

Source: mukhal/ThinkPRM, prm/thinkprm_api.py and utils/helper.py (template, beginning, question). Several reviews at
temperature 0.4 are averaged; the sequential form, which has the model think again, is not offered. The scores of
single steps are ours: the authors use the value only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from treewright_math.generative_readers.review_format import Message, ReviewFormat

REQUEST: Final = (
    "Review and critique each step in the proposed solution to determine whether each step is correct."
    " If the solution is incomplete, only verify the provided steps."
)
_NUMBER: Final = re.compile(r"Step \d+:")


def all_at_once(problem: str, steps: Sequence[str], reviews: Sequence[str]) -> list[Message]:
    """One user message with problem and numbered steps; there are no earlier reviews."""
    lines = [f"Step {number}: {_NUMBER.sub('', step).strip()}" for number, step in enumerate(steps, 1)]
    solution = "\n".join(lines)
    text = (
        "You are given a math problem and a proposed step-by-step solution:"
        f"\n\n[Math Problem]\n\n{problem}\n\n[Solution]\n\n{solution}\n\n{REQUEST}"
    )
    return [{"role": "user", "content": text}]


THINKPRM: Final = ReviewFormat(
    name="thinkprm",
    checkpoints=("launch/ThinkPRM-1.5B", "launch/ThinkPRM-7B", "launch/ThinkPRM-14B"),
    source="mukhal/ThinkPRM",
    each="answer",
    conversation=all_at_once,
    opening=lambda number: "\nLet's verify step by step:",
    ends=("Is the solution correct?", "</think>"),
    closing="\nIs the solution correct?",
    gap=" ",
    good="yes",
    bad="no",
    signed="",
    written=re.compile(r"Is the solution correct\?\s*(yes|no)\b", re.IGNORECASE),
    step_verdict=re.compile(r"\\boxed\{(correct|incorrect)\}", re.IGNORECASE),
    samples=4,
    temperature=0.4,
)
