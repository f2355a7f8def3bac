r"""Monte-Carlo tree search over steps, with UCT or PUCT selection.

Walk from the root to a leaf by the selection rule, expand the leaf by ``branch`` steps, judge each
child with the scorer, back the values up the path. With Q = mean value of a child, n its visits,
N its parent's visits:

    uct    Q + c · sqrt(ln N / n);  unvisited children first, in order
    puct   Q + P · (ln((N + c_base + 1) / c_base) + c_init) · sqrt(N) / (1 + n)

P is the policy's own probability of the step, exp(mean log-probability per token), normalised over
the siblings. A new child's first visit is the scorer's value of it, so values are initialised by
the reward model and no child stays unvisited.

Sources: UCB1 as in treequest's StandardMCTS (c = √2); PUCT constants as in openr
``reason/guided_search/tree.py`` (c_base 19652, c_init 1.25). A finished answer is offered once and
its branch closed when nothing open is left below it, so no simulation revisits finished paths.

Needs a policy that proposes steps, and a scorer that judges unfinished trajectories; ``puct``
needs log-probabilities.
"""

from collections.abc import Callable, Mapping, Sequence
from math import exp, inf, log, sqrt
from typing import Any, ClassVar, Literal

from treewright_registry import Capability, ContractError, Env, Need, Problem, Sampling, Score, Trajectory


class Node:
    """A node of the search tree. Values are from the one player's view: higher is better."""

    __slots__ = ("children", "closed", "parent", "prior", "total", "trajectory", "visits")

    def __init__(self, trajectory: Trajectory, parent: "Node | None", prior: float) -> None:
        self.trajectory = trajectory
        self.parent = parent
        self.prior = prior
        self.children: Sequence[Node] = ()
        self.visits = 0
        self.total = 0.0
        self.closed = False  # finished, failed, or everything below is


class Mcts:
    """Monte-Carlo tree search.

    Args:
        branch: steps drawn when a node is expanded.
        rule: ``uct`` or ``puct``.
        exploration: the constant c of ``uct``.
        c_base, c_init: the constants of ``puct``.
        depth: most steps of an answer; deeper branches are closed.
        iterations: most expansions; ``None`` goes on until the budget is spent.
        temperature: sampling temperature; ``None`` leaves the policy's own.
    """

    needs: ClassVar[Mapping[str, Need]] = {
        "policy": Need("policy"),
        "scorer": Need("scorer", frozenset({"partial"})),
    }
    needs_budget: ClassVar[bool] = True
    own_limits: ClassVar[tuple[str, ...]] = ("iterations",)

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """The roles, with the log-probabilities that ``puct`` takes its priors from."""
        if options.get("rule", "uct") != "puct":
            return Mcts.needs
        return {**Mcts.needs, "policy": Need("policy", frozenset({Capability.LOG_PROBABILITY}))}

    def __init__(
        self,
        *,
        branch: int = 4,
        rule: Literal["uct", "puct"] = "uct",
        exploration: float = sqrt(2),
        c_base: float = 19652.0,
        c_init: float = 1.25,
        depth: int = 40,
        iterations: int | None = None,
        temperature: float | None = None,
    ) -> None:
        if min(branch, depth) < 1:
            raise ValueError(f"branch and depth must be at least 1, not {branch} and {depth}")
        self.branch = branch
        self.rule = rule
        self.exploration = exploration
        self.c_base = c_base
        self.c_init = c_init
        self.depth = depth
        self.iterations = iterations
        self.sampling = Sampling(temperature=temperature)

    async def search(self, problem: Problem, env: Env) -> None:
        """Select, expand, evaluate, back up, until budget or tree is used up."""
        nodes = [Node(env.root, None, 1.0)]
        try:
            await self._grow(nodes, env)
        finally:  # also when the budget ends the search
            for node in nodes:
                env.visit(node.trajectory, node.visits)

    async def _grow(self, nodes: list[Node], env: Env) -> None:
        scale = _scaling(*env.range())
        root = nodes[0]
        iteration = 0
        while not root.closed and (self.iterations is None or iteration < self.iterations):
            iteration += 1
            leaf = self._select(root)
            [steps] = await env.propose([leaf.trajectory], self.branch, sampling=self.sampling)
            if not steps:
                self._close(leaf)
                continue
            scores = await env.score(steps)
            self._expand(leaf, steps, scores, env)
            nodes.extend(leaf.children)
            _back_up(leaf, scale(scores))
            self._close(leaf)

    def _select(self, node: Node) -> Node:
        choose = self._best_uct if self.rule == "uct" else self._best_puct
        while node.children:
            node = choose(node)
        return node

    def _best_uct(self, node: Node) -> Node:
        bonus = self.exploration * sqrt(log(node.visits))  # out of the loop: this is the hottest one
        best, best_value = node, -inf
        for child in node.children:
            if not child.closed:
                visits = child.visits
                value = child.total / visits + bonus / sqrt(visits)
                if value > best_value:  # strictly: ties go to the child proposed first
                    best, best_value = child, value
        return best

    def _best_puct(self, node: Node) -> Node:
        factor = log((node.visits + self.c_base + 1) / self.c_base) + self.c_init
        factor *= sqrt(node.visits)
        best, best_value = node, -inf
        for child in node.children:
            if not child.closed:
                value = child.total / child.visits + child.prior * factor / (1 + child.visits)
                if value > best_value:
                    best, best_value = child, value
        return best

    def _expand(self, leaf: Node, steps: Sequence[Trajectory], scores: Sequence[Score], env: Env) -> None:
        priors = _priors(steps) if self.rule == "puct" else [1.0] * len(steps)
        leaf.children = [Node(step, leaf, prior) for step, prior in zip(steps, priors, strict=True)]
        for child, score in zip(leaf.children, scores, strict=True):
            if env.finished(child.trajectory):
                env.offer(child.trajectory, score)
                child.closed = True
            elif score.failed or child.trajectory.depth >= self.depth:
                child.closed = True

    def _close(self, node: Node) -> None:
        """Close ``node`` if nothing open is left below it, and then its ancestors likewise."""
        walker: Node | None = node
        while walker is not None and all(child.closed for child in walker.children):
            walker.closed = True
            walker = walker.parent


def _back_up(leaf: Node, values: Sequence[float]) -> None:
    """First visits of the leaf's new children, and their values up the path.

    A child whose score failed has no value (NaN) and is left out: it is neither good nor bad.
    """
    visits, total = 0, 0.0
    for child, value in zip(leaf.children, values, strict=True):
        if value == value:
            child.visits = 1
            child.total = value
            visits += 1
            total += value
    walker: Node | None = leaf
    while walker is not None:
        walker.visits += visits
        walker.total += total
        walker = walker.parent


def _scaling(low: float, high: float) -> Callable[[Sequence[Score]], list[float]]:
    """Scores to [0, 1] where the range is finite: UCT's constant assumes it. Failed ones stay NaN."""
    offset, width = (low, high - low) if -inf < low < high < inf else (0.0, 1.0)
    return lambda scores: [(score.value - offset) / width for score in scores]


def _priors(steps: Sequence[Trajectory]) -> list[float]:
    weights = [exp(_mean_log_probability(child)) for child in steps]
    total = sum(weights)
    return [weight / total for weight in weights] if total > 0 else [1 / len(steps)] * len(steps)


def _mean_log_probability(child: Trajectory) -> float:
    step = child.step
    if step is None or step.log_probability is None:
        raise ContractError("rule 'puct' needs a policy whose steps carry log-probabilities; use 'uct'")
    return step.log_probability / max(1, step.tokens)
