"""A solution as its steps: lines, and sentences of longer lines; formulas stay whole."""

import re
from typing import Final

_CALCULATION = re.compile(r"<<[^<>\n]*>>")  # GSM8K's notes for a calculator
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z$\\])")
SHORTEST: Final = 20
"""Letters of the shortest step; what is shorter goes with the step before it."""


def solution_steps(solution: str) -> list[str]:
    """The steps in order, none blank; GSM8K's last line with the bare answer is none."""
    plain = _CALCULATION.sub("", solution)
    lines = [line.strip() for line in plain.split("\n") if line.strip() and not line.lstrip().startswith("####")]
    steps: list[str] = []
    for sentence in (sentence for line in lines for sentence in _sentences(line)):
        if steps and len(sentence) < SHORTEST:
            steps[-1] = f"{steps[-1]} {sentence}"
        else:
            steps.append(sentence)
    return steps


def _sentences(line: str) -> list[str]:
    """Cut where a sentence ends outside of a formula: with an even number of ``$`` before."""
    found, start = [], 0
    for end in _SENTENCE_END.finditer(line):
        if line.count("$", 0, end.start()) % 2 == 0:
            found.append(line[start : end.start()])
            start = end.end()
    return [*found, line[start:]]
