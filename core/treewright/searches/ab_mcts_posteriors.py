r"""What AB-MCTS-A believes of a mean reward: conjugate posteriors to draw from.

Gaussian, a normal-inverse-χ² belief with prior m 0, κ 1, ν 1, τ² 0.1; after n rewards with mean x̄ and
SS = Σ (x − x̄)²

    κ' = κ + n,  ν' = ν + n,  m' = (κ m + n x̄) / κ',  τ'² = (ν τ² + SS + n κ (m − x̄)² / κ') / ν'
    σ² ~ InvGamma(ν/2, ν τ²/2),  μ ~ N(m, σ²/κ)            a draw of the *mean*, not of a reward

Beta, for rewards in [0, 1], with Jeffreys' prior a = b = ½:   a += r,  b += 1 − r,  μ ~ Beta(a, b).

Sources: SakanaAI/treequest 0.3.3 (priors and updates), K. Murphy, Probabilistic Machine Learning,
Advanced Topics, 3.4.3.3 (the Gaussian update).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import sqrt
from random import Random
from typing import Literal, TypeAlias

Family: TypeAlias = Literal["gaussian", "beta"]


class Posterior(ABC):
    """A belief about the mean of rewards in [0, 1]."""

    __slots__ = ()

    @abstractmethod
    def observe(self, reward: float) -> None:
        """Take one more reward."""

    @abstractmethod
    def draw(self, random: Random) -> float:
        """A mean drawn from the belief."""


class GaussianPosterior(Posterior):
    """Normal-inverse-χ²."""

    __slots__ = ("_centred_squares", "_mean", "_n")

    M, KAPPA, NU, TAU_SQUARE = 0.0, 1.0, 1.0, 0.1

    def __init__(self) -> None:
        self._n = 0
        self._mean = 0.0
        self._centred_squares = 0.0

    def observe(self, reward: float) -> None:
        """Take one more reward (Welford's update of mean and SS)."""
        self._n += 1
        step = reward - self._mean
        self._mean += step / self._n
        self._centred_squares += step * (reward - self._mean)

    def parameters(self) -> tuple[float, float, float, float]:
        """m, κ, ν, τ²."""
        kappa, nu = self.KAPPA + self._n, self.NU + self._n
        m = (self.KAPPA * self.M + self._n * self._mean) / kappa
        shift = self._n * self.KAPPA * (self.M - self._mean) ** 2 / kappa
        return m, kappa, nu, (self.NU * self.TAU_SQUARE + self._centred_squares + shift) / nu

    def draw(self, random: Random) -> float:
        """σ² from the inverse gamma law, then the mean."""
        m, kappa, nu, tau_square = self.parameters()
        variance = (nu * tau_square / 2) / random.gammavariate(nu / 2, 1.0)
        return random.normalvariate(m, sqrt(variance / kappa))


class BetaPosterior(Posterior):
    """Beta."""

    __slots__ = ("_a", "_b")

    def __init__(self) -> None:
        self._a = self._b = 0.5

    def observe(self, reward: float) -> None:
        """Take one more reward."""
        self._a += reward
        self._b += 1 - reward

    def parameters(self) -> tuple[float, float]:
        """The parameters a and b."""
        return self._a, self._b

    def draw(self, random: Random) -> float:
        """A mean."""
        return random.betavariate(self._a, self._b)


def posterior(family: Family) -> Posterior:
    """The prior belief of a family."""
    return GaussianPosterior() if family == "gaussian" else BetaPosterior()


def best_draw(posteriors: Sequence[Posterior], random: Random) -> int:
    """Thompson sampling: the index of the largest draw, drawn in order."""
    draws = [each.draw(random) for each in posteriors]
    return draws.index(max(draws))
