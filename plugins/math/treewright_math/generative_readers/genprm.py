r"""GenPRM (arXiv 2504.00891): reviews paragraph by paragraph, a turn of the chat for each.

    system     a teacher reviews and criticises the paragraphs of a solution
    user       problem and paragraph 1
    assistant  <analyze> … </analyze> <output> **Judgement**: $\boxed{Yes}$ </output>
    user       paragraph 2
    assistant  …

    r_t = P(Yes) / (P(Yes) + P(No)) behind ``\boxed{``;   the mean over several reviews (Maj@N)

The model can also write Python between analysis and judgement, which its authors run. **It is never run here**: the
review is cut at ``</analyze>`` and the judgement follows, which is the authors' mode without verification. Later turns
see the first review of each earlier paragraph.

Source: RyanLiu112/GenPRM, genprm_inference.py and reward_generate.py (system message, beginnings, ends). The authors
choose by the last, mean or least score; the least is the default here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from treewright_math.generative_readers.review_format import Message, ReviewFormat

SYSTEM: Final = "You are a math teacher. Your task is to review and critique the paragraphs in solution step by step."


def paragraph_by_paragraph(problem: str, steps: Sequence[str], reviews: Sequence[str]) -> list[Message]:
    """The chat up to the last paragraph, with the reviews of the others between."""
    messages = [{"role": "system", "content": SYSTEM}]
    for number, step in enumerate(steps):
        messages.append({"role": "user", "content": f"{problem}\n{step}" if number == 0 else step})
        if number < len(reviews):
            messages.append({"role": "assistant", "content": reviews[number]})
    return messages


GENPRM: Final = ReviewFormat(
    name="genprm",
    checkpoints=("GenPRM/GenPRM-1.5B", "GenPRM/GenPRM-7B", "GenPRM/GenPRM-32B"),
    source="RyanLiu112/GenPRM",
    each="step",
    conversation=paragraph_by_paragraph,
    opening=lambda number: f"<analyze>\nLet's analyze the Paragraph {number} step by step: ",
    ends=("</analyze>",),
    closing="</analyze>\n<output>\n**Judgement**: $\\boxed{",
    good="Yes",
    bad="No",
    signed="}$\n</output>\n",
    written=re.compile(r"\\boxed\{(Yes|No)\}", re.IGNORECASE),
)
