"""Recorded samples, how they travel in a problem's metadata, and which one a trajectory replays."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from treewright_math.answers.extraction import MARKED, find_answer
from treewright_registry import JSON, CallFailed, Encoding, Problem, Trajectory

KEY = "samples"
"""Where a problem's metadata hold its samples."""
VOCABULARY = "recorded-sample"
"""A replayed step's encoding: its one token is the number of the sample. Equal texts may have unequal scores."""


class Sample(NamedTuple):
    """One stored solution.

    Attributes:
        text: the solution; it names its answer, see ``complete_text``.
        answer: as stored; ``None`` if the sample has none.
        score: the stored reward; ``None`` if there is none.
        model: who wrote it, empty if that is not known.
        correct: the stored label; ``None`` if there is none. Never part of a problem.
        fault: what of it could not be read; empty if all could. Never part of a problem either.
    """

    text: str
    answer: str | None = None
    score: float | None = None
    model: str = ""
    correct: bool | None = None
    fault: str = ""


def complete_text(solution: str, answer: str | None) -> str:
    r"""The solution, with a last line ``The answer is \boxed{…}.`` if it does not mark its answer itself.

    Some records keep the answer beside the solution. Other scorers read the text, and should see the answer too.
    """
    if answer is None or find_answer(solution, MARKED) is not None:
        return solution
    return f"{solution.rstrip()}\n\nThe answer is $\\boxed{{{answer}}}$.".lstrip()


def as_metadata(samples: Sequence[Sample]) -> dict[str, JSON]:
    """The samples as a problem's public facts: without labels."""
    return {KEY: [{"text": s.text, "answer": s.answer, "score": s.score, "model": s.model} for s in samples]}


def samples_of(problem: Problem) -> Sequence[Mapping[str, Any]]:
    """The samples of a problem.

    Raises:
        CallFailed: it has none.
    """
    samples: Sequence[Mapping[str, Any]] | None = problem.metadata.get(KEY)
    if not samples:
        raise CallFailed(f"problem '{problem.id}' holds no recorded samples; use the task math/recorded")
    return samples


def replayed(trajectory: Trajectory) -> Mapping[str, Any] | None:
    """The sample that a trajectory replays; ``None`` if it replays none."""
    index = replayed_index(trajectory)
    sample: Mapping[str, Any] | None = None if index is None else trajectory.problem.metadata[KEY][index]
    return sample


def replayed_index(trajectory: Trajectory) -> int | None:
    """Which sample a trajectory replays, from 0: the one that its step names, else the first of equal text."""
    step = trajectory.step
    if step is not None and step.encoding is not None and step.encoding.vocabulary == VOCABULARY:
        return step.encoding.ids[0]
    samples: Sequence[Mapping[str, Any]] = trajectory.problem.metadata.get(KEY) or ()
    text = trajectory.text
    return next((index for index, sample in enumerate(samples) if sample["text"] == text), None)


def encoding_of(index: int) -> Encoding:
    """What marks a step as the replay of sample ``index``."""
    return Encoding(VOCABULARY, (index,))
