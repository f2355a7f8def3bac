r"""Selection rules of ``core/mcts``: which open child of a node a simulation goes to.

With Q = mean value of a child, n its visits, N its parent's visits:

    uct    Q + c · P · sqrt(ln N / n);  unvisited children first, in the order proposed
    puct   Q + P · (ln((N + c_base + 1) / c_base) + c_init) · sqrt(N) / (1 + n)

Ties go to the child proposed first.
"""

from collections.abc import Sequence
from math import exp, inf, log, sqrt
from typing import Protocol

from treewright.searches.mcts_tree import Node
from treewright_registry import ContractError, Trajectory


class Rule(Protocol):
    """A selection rule."""

    def best(self, node: Node) -> Node:
        """The open child to go to; the node has one."""
        ...

    def priors(self, steps: Sequence[Trajectory], values: Sequence[float]) -> Sequence[float]:
        """P of each of the siblings ``steps``, which the scorer gives ``values``."""
        ...


class Uct:
    """Upper confidence bounds for trees; P = 1, or the softmax of the siblings' scores (treequest)."""

    def __init__(self, exploration: float, by_scores: bool) -> None:
        self.exploration = exploration
        self.by_scores = by_scores

    def best(self, node: Node) -> Node:
        """The open child with the largest bound."""
        bonus = self.exploration * sqrt(log(node.visits)) if node.visits > 1 else 0.0  # out of the hottest loop
        best, best_value = node, -inf
        for child in node.children:
            if not child.closed:
                visits = child.visits
                if not visits:
                    return child
                value = child.total / visits + child.prior * bonus / sqrt(visits)
                if value > best_value:  # strictly: ties go to the child proposed first
                    best, best_value = child, value
        return best

    def priors(self, steps: Sequence[Trajectory], values: Sequence[float]) -> Sequence[float]:
        """1 for all, or softmax of the scores, of which failed ones have none."""
        if not self.by_scores or len(steps) < 2:
            return [1.0] * len(steps)
        largest = max((value for value in values if value == value), default=inf)
        if not -inf < largest < inf:  # no score, or none that others can be compared with
            return [1.0] * len(steps)
        weights = [exp(value - largest) if value == value else 0.0 for value in values]  # exp(900) is no float
        total = sum(weights)
        return [weight / total for weight in weights]


class Puct:
    """The policy's own probability of a step decides where to look; P = exp(mean log-probability), normalised."""

    def __init__(self, c_base: float, c_init: float, fpu: float | None, parent_visits_floor: int) -> None:
        self.c_base = c_base
        self.c_init = c_init
        self.fpu = fpu
        self.parent_visits_floor = parent_visits_floor

    def best(self, node: Node) -> Node:
        """The open child with the largest bound; Q of an unvisited one is ``fpu`` or the scorer's value."""
        parent_visits = max(node.visits, self.parent_visits_floor)
        factor = log((parent_visits + self.c_base + 1) / self.c_base) + self.c_init
        factor *= sqrt(parent_visits)
        best, best_value = node, -inf
        for child in node.children:
            if not child.closed:
                visits = child.visits
                mean = child.total / visits if visits else child.value if self.fpu is None else self.fpu
                value = mean + child.prior * factor / (1 + visits)
                if value > best_value:
                    best, best_value = child, value
        return best

    def priors(self, steps: Sequence[Trajectory], values: Sequence[float]) -> Sequence[float]:
        """exp(mean log-probability per token), normalised over the siblings."""
        weights = [exp(_mean_log_probability(child)) for child in steps]
        total = sum(weights)
        return [weight / total for weight in weights] if total > 0 else [1 / len(steps)] * len(steps)


def _mean_log_probability(child: Trajectory) -> float:
    step = child.step
    if step is None or step.log_probability is None:
        raise ContractError("rule 'puct' needs a policy whose steps carry log-probabilities; use 'uct'")
    return step.log_probability / max(1, step.tokens)
