"""The tree of a self-refining search, with a selection weight for each answer.

An iteration changes values only on the path from the revised answer up to its draft. So only that path, the
children of the answers on it and the drafts are weighed again; all other weights are kept.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from treewright_registry import Trajectory


class Answer:
    """A node: one whole answer and what is known of it. Values lie in [0, 1], higher is better."""

    __slots__ = ("children", "failures", "parent", "place", "quality", "rewards", "trajectory", "visits")

    def __init__(self, trajectory: Trajectory, parent: "Answer | None") -> None:
        self.trajectory = trajectory
        self.parent = parent
        self.children: list[Answer] = []
        self.failures = 0  # revisions that were asked for and did not come, or could not be scored
        self.rewards: list[float] = []
        self.visits = 0
        self.quality = 0.0
        self.place = -1  # in the tree's lists

    def add_reward(self, reward: float) -> None:
        """Take a reward sample: Q = (min + mean) / 2."""
        self.rewards.append(reward)
        self.visits += 1
        self.quality = (min(self.rewards) + sum(self.rewards) / len(self.rewards)) / 2

    def best_child(self) -> float:
        """Q of the best child; the answer has one."""
        return max(child.quality for child in self.children)


Weight: TypeAlias = Callable[[Answer, int], float]


class Answers:
    """All answers, oldest first.

    Args:
        weight: the weight of an answer, given the visits of all drafts together.

    Attributes:
        nodes: the answers.
        weights: of each of them, as of the last ``weigh``.
    """

    def __init__(self, weight: Weight) -> None:
        self.nodes: list[Answer] = []
        self.weights: list[float] = []
        self._drafts: list[Answer] = []
        self._weight = weight

    def add(self, answer: Answer) -> None:
        """Hang a scored answer below its parent; it has no weight until ``weigh``."""
        answer.place = len(self.nodes)
        self.nodes.append(answer)
        self.weights.append(0.0)
        (self._drafts if answer.parent is None else answer.parent.children).append(answer)

    def weigh(self, revised: Answer | None = None) -> None:
        """Weigh the drafts again, and all whose weight may have changed by a revision of ``revised``."""
        drafts = sum(draft.visits for draft in self._drafts)
        self._weigh(self._drafts, drafts)
        while revised is not None:
            self._weigh(revised.children, drafts)  # an answer's bonus counts its parent's visits
            revised = revised.parent

    def _weigh(self, answers: Sequence[Answer], drafts: int) -> None:
        for answer in answers:
            self.weights[answer.place] = self._weight(answer, drafts)
