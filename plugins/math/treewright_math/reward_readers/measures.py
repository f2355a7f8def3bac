"""From a head's numbers to scores. Each measure takes a float tensor (reads, classes) and gives one of (reads,)."""

from typing import Any

from treewright_math.reward_readers.recipe import Measure


def class_probability(*classes: int) -> Measure:
    """Softmax over the classes that were read, then the probability of the given ones together."""

    def measure(numbers: Any) -> Any:
        probabilities = numbers.softmax(-1)
        return sum(probabilities[:, index] for index in classes)

    return measure


def probability_difference(good: int, bad: int) -> Measure:
    """Softmax, then the probability of ``good`` less that of ``bad``: a score in [-1, 1]."""

    def measure(numbers: Any) -> Any:
        probabilities = numbers.softmax(-1)
        return probabilities[:, good] - probabilities[:, bad]

    return measure


def sigmoid(numbers: Any) -> Any:
    """The logistic function of a single number."""
    return numbers[:, 0].sigmoid()


def as_it_is(numbers: Any) -> Any:
    """The single number itself."""
    return numbers[:, 0]
