"""Two toys whose every distribution can be computed, as real components of a pipeline.

Toy A is one step with six outcomes. Toy B is a tree of three steps with three tokens each. Both have a draft and a
target policy, with log-probabilities and ``log_likelihood``.

Source of the numbers: treewright's own reference tests; toy B is drawn from numpy's ``default_rng(7)`` and, for its
potentials, ``default_rng(11)``.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import exp, log
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from treewright_registry import (
    JSON,
    Capability,
    Likelihood,
    LikelihoodRequest,
    Problem,
    Proposals,
    ProposeRequest,
    Score,
    ScoreRequest,
    Step,
    Trajectory,
    Verdict,
)

Word: TypeAlias = str
Role: TypeAlias = Literal["draft", "target"]
Laws: TypeAlias = Mapping[Word, Sequence[float]]  # prefix → probabilities of the next token

# -- toy A --------------------------------------------------------------------------------------------------------

DRAFT_A = (0.35, 0.25, 0.18, 0.12, 0.07, 0.03)
TARGET_A = (0.10, 0.15, 0.25, 0.20, 0.20, 0.10)
REWARD_A = (0.2, 0.9, 0.1, 0.6, 1.0, 0.4)
TIED_A = (0.2, 0.9, 0.2, 0.6, 0.9, 0.2)  # ours: for tie rules

# -- toy B --------------------------------------------------------------------------------------------------------

TOKENS, DEPTH, BETA_B = "012", 3, 4.0
LEAVES = ["".join(tokens) for tokens in product(TOKENS, repeat=DEPTH)]


def prefixes(length: int) -> list[Word]:
    """All words of that length, in product order."""
    return ["".join(tokens) for tokens in product(TOKENS, repeat=length)]


def _toy_b() -> tuple[Laws, Laws, Mapping[Word, float], Mapping[Word, float]]:
    rng, potential_rng = np.random.default_rng(7), np.random.default_rng(11)
    target: dict[Word, Sequence[float]] = {}
    draft: dict[Word, Sequence[float]] = {}
    for prefix in (word for length in range(DEPTH) for word in prefixes(length)):
        target[prefix] = rng.dirichlet([1.0] * 3).tolist()
        draft[prefix] = rng.dirichlet([3.0] * 3).tolist()
    reward = dict(zip(LEAVES, rng.random(27).tolist(), strict=True))
    words = [word for length in range(1, DEPTH + 1) for word in prefixes(length)]
    potential = dict(zip(words, potential_rng.uniform(0.05, 0.95, len(words)).tolist(), strict=True))
    return target, draft, reward, potential


TARGET_B, DRAFT_B, REWARD_B, POTENTIAL_B = _toy_b()
# ours, for controls that need few draws: beginnings that look bad end well
CROSSED_B = {word: 0.95 if (word[0] == "0") == (len(word) < DEPTH) else 0.1 for word in POTENTIAL_B}
Potential: TypeAlias = Literal["random", "crossed"]
POTENTIALS: Mapping[str, Mapping[Word, float]] = {"random": POTENTIAL_B, "crossed": CROSSED_B}


def leaf_law(laws: Laws) -> list[float]:
    """The probability of each leaf, in product order."""
    return [laws[""][int(leaf[0])] * laws[leaf[:1]][int(leaf[1])] * laws[leaf[:2]][int(leaf[2])] for leaf in LEAVES]


def soft_value(word: Word, beta: float = BETA_B) -> float:
    """V(s) = (1/β) log E_target[exp(β r) | s]: the value that makes blockwise tilting exact."""
    return log(_expected(word, lambda leaf: exp(beta * REWARD_B[leaf]))) / beta


def plain_value(word: Word) -> float:
    """E_target[r | s]: the value of everyday process reward models, which does not."""
    return _expected(word, lambda leaf: REWARD_B[leaf])


def _expected(word: Word, of_leaf: Callable[[Word], float]) -> float:
    if len(word) == DEPTH:
        return of_leaf(word)
    return sum(share * _expected(word + token, of_leaf) for token, share in zip(TOKENS, TARGET_B[word], strict=True))


# -- components ---------------------------------------------------------------------------------------------------


class Draws:
    """A task of ``draws`` problems that differ in their number only: each is one independent draw of a search."""

    has_references = False

    def __init__(self, *, draws: int = 1) -> None:
        self.draws = draws

    def problems(self) -> list[Problem]:
        return [Problem(str(number), "") for number in range(self.draws)]

    def extract(self, trajectory: Trajectory) -> JSON:
        return trajectory.text

    def canonical(self, answer: JSON) -> str:
        return str(answer)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        return Verdict(None)


class _Table:
    """A policy that draws single characters from given laws; temperature 0 takes the likeliest."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.LOG_PROBABILITY, Capability.LOG_LIKELIHOOD})
    depth: ClassVar[int]

    def __init__(self, laws: Laws) -> None:
        self.laws = laws

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([self._step(request, index) for index in range(request.n)]) for request in requests]

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        return [self._judge(request.trajectory) for request in requests]

    def _judge(self, trajectory: Trajectory) -> Likelihood:
        word = trajectory.text
        start = trajectory.parent.text if trajectory.parent is not None else ""
        chain = (self.laws[word[:at]][int(word[at])] for at in range(len(start), len(word)))
        return Likelihood(sum(map(log, chain)), len(word) - len(start))

    def _step(self, request: ProposeRequest, index: int) -> Step:
        start = word = request.trajectory.text
        probability = 1.0
        goal = self.depth if request.sampling.unit == "end" else len(start) + 1
        while len(word) < goal:
            law = self.laws[word]
            token = self._token(law, request, index, len(word))
            probability *= law[token]
            word += str(token)
        finish: Literal["step", "stop"] = "stop" if len(word) == self.depth else "step"
        return Step(word[len(start) :], log(probability), len(word) - len(start), finish)

    def _token(self, law: Sequence[float], request: ProposeRequest, index: int, place: int) -> int:
        if request.sampling.temperature == 0.0:
            return max(range(len(law)), key=law.__getitem__)
        return request.key(index, place).choice(law)


class PolicyA(_Table):
    """Draft or target of toy A: one step, then the end."""

    depth = 1

    def __init__(self, *, role: Role = "draft") -> None:
        super().__init__({"": DRAFT_A if role == "draft" else TARGET_A})


class PolicyB(_Table):
    """Draft or target of toy B: three steps of one token."""

    depth = DEPTH

    def __init__(self, *, role: Role = "target") -> None:
        super().__init__(DRAFT_B if role == "draft" else TARGET_B)


class PosteriorB(_Table):
    """Toy B's exact target Π π g, step by step: what particle methods aim at."""

    depth = DEPTH

    def __init__(self, *, potential: Potential = "random") -> None:
        g = POTENTIALS[potential]

        def mass(word: Word) -> float:
            below = sum(map(mass, (word + token for token in TOKENS))) if len(word) < DEPTH else 1.0
            return below * (g[word] * TARGET_B[word[:-1]][int(word[-1])] if word else 1.0)

        super().__init__(
            {
                word: [share / sum(masses) for share in masses]
                for length in range(DEPTH)
                for word in prefixes(length)
                for masses in [[mass(word + token) for token in TOKENS]]
            }
        )


class UnevenB(PolicyB):
    """Toy B's target, in which the token 0 ends the answer."""

    def _step(self, request: ProposeRequest, index: int) -> Step:
        step = super()._step(request, index)
        return step._replace(finish="stop") if step.content == "0" else step


class _Judge:
    """A scorer by table; ``Score.steps`` holds the value of every prefix."""

    level = "step"
    range = (0.0, 1.0)
    link = "probability"
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.PARTIAL, Capability.STEP_SCORES})

    def __init__(self, values: Mapping[Word, float]) -> None:
        self.values = values

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [self._score(request.trajectory) for request in requests]

    def _score(self, trajectory: Trajectory) -> Score:
        steps, word = [], ""
        for step in trajectory.steps:
            word += str(step.content)
            steps.append(self.values[word])
        return Score(steps[-1], tuple(steps))


class RewardA(_Judge):
    """The reward of toy A, shifted by ``shift`` (which must not matter where only differences do)."""

    def __init__(self, *, shift: float = 0.0) -> None:
        super().__init__({str(outcome): reward + shift for outcome, reward in enumerate(REWARD_A)})
        self.range = (0.0, 1.0 + max(0.0, shift))


class TiedRewardA(_Judge):
    """Toy A's reward with ties."""

    def __init__(self) -> None:
        super().__init__({str(outcome): reward for outcome, reward in enumerate(TIED_A)})


class ValueB(_Judge):
    """Soft or plain value of toy B's prefixes; both are the reward at the leaves."""

    def __init__(self, *, kind: Literal["soft", "plain"] = "soft") -> None:
        words = [word for length in range(1, DEPTH + 1) for word in prefixes(length)]
        super().__init__({word: soft_value(word) if kind == "soft" else plain_value(word) for word in words})


class PotentialB(_Judge):
    """Toy B's potentials g(s) of all prefixes."""

    def __init__(self, *, potential: Potential = "random") -> None:
        super().__init__(POTENTIALS[potential])
