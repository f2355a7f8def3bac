r"""AB-MCTS, adaptive branching: at every node a further answer may be drafted, or an answer refined.

    repeat: node ← root
            while node has children:
                GEN or CONT by Thompson sampling from the node's two posteriors
                if GEN: stop;  else node ← the child with the largest draw
            policy ← the one whose rewards, over the whole tree, promise most
            draw ONE answer at node (a first answer at the root, a revision elsewhere), reward r in [0, 1]
            r → GEN of the node;  → the new child's posterior
            r → CONT and the path's child posterior at every ancestor

So a tree grows wider where new answers are good and deeper where revisions are. Posteriors are conjugate
(variant A): ``treewright.searches.ab_mcts_posteriors``. Among several policies one is chosen by Thompson
sampling from the same prior, or by UCB,

    mean + √2 · sqrt(ln N / n);  a policy that was not tried comes first

Source: arXiv 2503.04412 and SakanaAI/treequest 0.3.3, ``ABMCTSA`` with its shared strategies. Variant M
(a mixed model refitted by MCMC at every selection) is left out: it needs an MCMC library, and seconds
a node.

Needs policies that revise whole answers, and a scorer with a finite range (rewards are scaled to [0, 1]).
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf, log, sqrt
from random import Random
from typing import Any, ClassVar, Literal

from treewright.searches.ab_mcts_posteriors import Family, Posterior, best_draw, posterior
from treewright_registry import (
    TO_END,
    Capability,
    ConfigurationError,
    Env,
    Need,
    Problem,
    Score,
    Trajectory,
)

_UCB = sqrt(2)  # treequest's constant


class Node:
    """A whole answer (the root: none), with beliefs about what one more answer below it brings.

    Attributes:
        trajectory: the answer.
        generate: belief about the reward of a new child.
        descend: belief about the rewards of what grows below the present children.
        below: child by child, belief about the rewards of its whole subtree, its own included.
    """

    __slots__ = ("below", "children", "descend", "generate", "parent", "place", "trajectory", "visits")

    def __init__(self, trajectory: Trajectory, parent: "Node | None", family: Family) -> None:
        self.trajectory = trajectory
        self.parent = parent
        self.place = 0 if parent is None else len(parent.children)
        self.children: list[Node] = []
        self.generate = posterior(family)
        self.descend = posterior(family)
        self.below: list[Posterior] = []
        self.visits = 0


class AbMcts:
    """Adaptive branching Monte-Carlo tree search, variant A.

    Args:
        family: of the posteriors, ``gaussian`` or ``beta`` (treequest's default is gaussian).
        policies: roles of the policies that may be asked.
        policy_choice: how one of several is chosen.
        patience: answers in a row that do not come, or cannot be scored, until the search ends (ours).
        iterations: most answers; ``None`` goes on until the budget is spent.
    """

    needs: ClassVar[Mapping[str, Need]] = {
        "policy": Need("policy", frozenset({Capability.REVISES})),
        "scorer": Need("scorer"),
    }
    needs_budget: ClassVar[bool] = True
    own_limits: ClassVar[tuple[str, ...]] = ("iterations",)

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """The scorer, and a revising policy in each of the roles ``policies``."""
        revising = AbMcts.needs["policy"]
        roles = options.get("policies", ("policy",))
        return {**dict.fromkeys(roles, revising), "scorer": AbMcts.needs["scorer"]}

    def __init__(
        self,
        *,
        family: Family = "gaussian",
        policies: tuple[str, ...] = ("policy",),
        policy_choice: Literal["thompson", "ucb"] = "thompson",
        patience: int = 8,
        iterations: int | None = None,
    ) -> None:
        if not policies or len(set(policies)) < len(policies):
            raise ValueError(f"policies must name at least one role, each once, not {list(policies)}")
        if patience < 1:
            raise ValueError(f"patience must be at least 1, not {patience}")
        self.family: Family = family
        self.policies = policies
        self.policy_choice = policy_choice
        self.patience = patience
        self.iterations = iterations

    async def search(self, problem: Problem, env: Env) -> None:
        """One answer after the other, wider or deeper, until the budget is spent."""
        nodes = [Node(env.root, None, self.family)]
        try:
            await self._grow(nodes, env)
        finally:  # also when the budget ends the search
            for node in nodes:
                env.visit(node.trajectory, node.visits)

    async def _grow(self, nodes: list[Node], env: Env) -> None:
        scale = _scaling(*env.range())
        rewards: list[list[float]] = [[] for _ in self.policies]
        iteration = fruitless = 0
        while fruitless < self.patience and (self.iterations is None or iteration < self.iterations):
            random = env.random("select", iteration).generator()
            node = self._select(nodes[0], random)
            chosen = self._choose_policy(rewards, random)
            reward = await self._generate(node, self.policies[chosen], scale, env)
            fruitless = fruitless + 1 if reward is None else 0
            if reward is not None:
                rewards[chosen].append(reward)
                nodes.append(node.children[-1])
                _back_up(node, reward)
            iteration += 1

    def _select(self, node: Node, random: Random) -> Node:
        """The node to draw an answer at."""
        while True:
            # drawn at a leaf too, where only GEN can win: treequest's order of draws
            wider = best_draw([node.generate, node.descend], random) == 0
            if wider or not node.children:
                return node
            node = node.children[best_draw(node.below, random)]

    def _choose_policy(self, rewards: Sequence[Sequence[float]], random: Random) -> int:
        if len(rewards) == 1:
            return 0
        if self.policy_choice == "thompson":
            return best_draw([self._belief(of_policy) for of_policy in rewards], random)
        total = sum(map(len, rewards))
        values = [_upper_bound(of_policy, total) for of_policy in rewards]
        return values.index(max(values))

    def _belief(self, rewards: Sequence[float]) -> Posterior:
        belief = posterior(self.family)
        for reward in rewards:
            belief.observe(reward)
        return belief

    async def _generate(self, node: Node, role: str, scale: Callable[[Score], float], env: Env) -> float | None:
        """A new child of ``node``, offered; its reward, ``None`` if none came or none could be scored."""
        [answers] = await env.propose([node.trajectory], 1, role=role, sampling=TO_END)
        if not answers or not env.finished(answers[0]):
            return None
        [score] = await env.score(answers)
        env.offer(answers[0], score)
        if score.failed:
            return None
        child = Node(answers[0], node, self.family)
        node.children.append(child)
        node.below.append(posterior(self.family))
        return scale(score)


def _back_up(node: Node, reward: float) -> None:
    """Tell the beliefs of the new child's parent, and of all ancestors, of its reward."""
    node.generate.observe(reward)
    node.below[-1].observe(reward)
    node.visits += 1
    while node.parent is not None:
        node.parent.below[node.place].observe(reward)
        node.parent.descend.observe(reward)
        node.parent.visits += 1
        node = node.parent


def _upper_bound(rewards: Sequence[float], total: int) -> float:
    if not rewards:
        return inf
    return sum(rewards) / len(rewards) + _UCB * sqrt(log(total) / len(rewards))


def _scaling(low: float, high: float) -> Callable[[Score], float]:
    if not -inf < low < high < inf:
        raise ConfigurationError(
            f"core/ab-mcts needs a scorer with a finite range, not [{low:g}, {high:g}]: its beliefs are about rewards"
            " in [0, 1]; use a scorer that declares its bounds"
        )
    return lambda score: (score.value - low) / (high - low)
