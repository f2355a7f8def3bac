"""What is missing from the samples of a file: rewards, and what could not be read. One count for screen and summary."""

from collections.abc import Sequence
from typing import NamedTuple

from treewright_math.recorded.judging import Known

_MOST_FAULTS = 5


class Missing(NamedTuple):
    """How many samples lack something.

    Attributes:
        without: that many.
        samples: of so many.
    """

    without: int
    samples: int

    def as_metric(self) -> dict[str, float]:
        """As it stands in ``summary.json``."""
        return {"value": self.without, "low": self.without, "high": self.without, "n": self.samples}


def unrewarded(problems: Sequence[Known]) -> Missing:
    """How many samples have no stored reward."""
    scores = [sample.score for problem in problems for sample in problem.samples]
    return Missing(sum(score is None for score in scores), len(scores))


def faulty(problems: Sequence[Known]) -> Missing:
    """Of how many samples something could not be read."""
    faults = [sample.fault for problem in problems for sample in problem.samples]
    return Missing(sum(map(bool, faults)), len(faults))


def sample_counts(problems: Sequence[Known]) -> dict[str, dict[str, float]]:
    """``samples_without_reward`` and ``samples_with_faults``, over all problems that could be read; those above 0."""
    counts = {"samples_without_reward": unrewarded(problems), "samples_with_faults": faulty(problems)}
    return {name: missing.as_metric() for name, missing in counts.items() if missing.without}


def rewards_text(problems: Sequence[Known]) -> list[str]:
    """Which samples have no reward, and what decides there; nothing if all have one."""
    without, samples = unrewarded(problems)
    if not without:
        return []
    if without == samples:
        return ["no sample has a stored reward: by default the most frequent answer wins"]
    bare = sum(all(sample.score is None for sample in problem.samples) for problem in problems)
    lines = [f"{without} of {samples} samples have no stored reward: they lose to those that have one"]
    if bare:
        lines.append(
            f"{bare} of {len(problems)} problems have none at all: by default the most frequent answer wins there"
        )
    return lines


def faults_text(problems: Sequence[Known]) -> list[str]:
    """Which samples could not be read in part, the first few by name; nothing if all could."""
    faults = [sample.fault for problem in problems for sample in problem.samples if sample.fault]
    if not faults:
        return []
    samples = faulty(problems).samples
    lines = [f"{len(faults)} of {samples} samples have something that cannot be read; they are taken without it:"]
    lines += [f"  {fault}" for fault in faults[:_MOST_FAULTS]]
    return lines if len(faults) <= _MOST_FAULTS else [*lines, f"  and {len(faults) - _MOST_FAULTS} more"]
