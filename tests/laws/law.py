"""What a law is: an exact statement about an algorithm, a check that draws, and a control that must fail."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from tests.laws.chi_square import chi_square

PASSES = 1e-4  # a check's p-value must lie above
FAILS = 1e-10  # a control's must lie below


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        statistic: what was computed, e.g. ``chi-square, 5 degrees of freedom``.
        value: its value.
        p: probability of a value at least this far off if the law holds. A comparison that leaves no
            room for chance has 1 where both sides are equal, else 0.
        exact: whether it is such a comparison.
    """

    statistic: str
    value: float
    p: float
    exact: bool = False


@dataclass(frozen=True)
class Law:
    """One line of the table of laws.

    Attributes:
        algorithm: registered name, e.g. ``core/gsi``; ``engine`` for what holds of all.
        test: number in the list of tests, e.g. ``T3``.
        claim: the law, in words or as a formula.
        check: the algorithm against the law; gets the number of draws and the seed.
        control: the same with something made wrong on purpose.
        control_says: what was made wrong.
        draws: how many draws ``make test`` takes; 0 where nothing is drawn.
        thorough: how many ``make laws`` and ``make soak`` take; 0: as many as ``draws``.
        slow: too long for ``make test`` with as many draws as its control needs.
        seed: of the run; fixed, so that a check passes always or never.
        formula_only: whether only the formulas of the tests are held against reference numbers and no code of the
            product runs; other laws then hold the product against these formulas.
    """

    algorithm: str
    test: str
    claim: str
    check: Callable[[int, int], Outcome]
    control: Callable[[int, int], Outcome]
    control_says: str
    draws: int = 0
    thorough: int = 0
    slow: bool = False
    seed: int = 0
    formula_only: bool = False

    @property
    def name(self) -> str:
        """Short and unique enough to be a test's id."""
        return f"{self.test} {self.algorithm}: {self.claim}"


def follows(counts: Sequence[int], law: Iterable[float]) -> Outcome:
    """Whether counts of independent draws follow a law (Pearson's chi-square)."""
    found = chi_square(counts, [float(share) for share in law])
    return Outcome(f"chi-square, {found.freedom} d.f.", found.statistic, found.p)


def averages_to(samples: NDArray[np.float64], expected: Iterable[float]) -> Outcome:
    """Whether the mean of the rows of ``samples`` is ``expected``: the largest distance in standard errors.

    The p-value is Bonferroni's: it holds however the columns depend on each other. A column without any variance
    must equal its expectation.
    """
    mean, error = samples.mean(axis=0), samples.std(axis=0, ddof=1) / sqrt(len(samples))
    distance = np.abs(mean - np.array(list(expected)))
    certain = error < 1e-12
    if (distance[certain] > 1e-9).any():
        return Outcome("largest distance in standard errors", float("inf"), 0.0)
    largest = float((distance[~certain] / error[~certain]).max(initial=0.0))
    return Outcome("largest distance in standard errors", largest, min(1.0, len(mean) * erfc(largest / sqrt(2))))


def equal(what: str, found: object, expected: object) -> Outcome:
    """Whether something counted equals what it must be, exactly; the value is the number of differences."""
    if isinstance(found, Sequence) and isinstance(expected, Sequence) and len(found) == len(expected):
        differences = sum(left != right for left, right in zip(found, expected, strict=True))
    else:
        differences = int(found != expected)
    return Outcome(f"{what}: differences", differences, float(not differences), exact=True)


def near(what: str, found: Sequence[float], expected: Sequence[float], tolerance: float) -> Outcome:
    """Whether computed numbers equal reference numbers up to ``tolerance``; the value is the largest distance."""
    distance = max(abs(left - right) for left, right in zip(found, expected, strict=True))
    return Outcome(f"{what}: largest distance", distance, float(distance <= tolerance), exact=True)
