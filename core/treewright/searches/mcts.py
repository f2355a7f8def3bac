r"""Monte-Carlo tree search over steps, with UCT or PUCT selection.

Walk from the root to a leaf by the selection rule (``mcts_rules``), expand the leaf by ``branch`` steps, judge each
child with the scorer, back values up the path. A new child's value is the scorer's, so values are initialised by the
reward model. With ``rollout`` α > 0 the best new child is also continued greedily to the end of the answer, which is
offered, and its value becomes

    V ← (1 − α) V + α · value of the finished answer

(ReST-MCTS*, which continues by 3 steps and takes α = 0.5). So the search has an answer from its first simulation on.
What an expansion backs up:

    first_visits: together     the values of all new children at once, each its first visit (treequest's StandardMCTS)
    first_visits: one-by-one   the value of the one child that the rule prefers; the others wait unvisited, as in
                               textbook UCT (one new node a simulation) and AlphaZero-like PUCT

Sources: UCB1 as in treequest's StandardMCTS (c = √2; with ``prior: scores`` its softmax of sibling scores); PUCT as in
openr ``reason/guided_search/tree.py`` (c_base 19652, c_init 1.25; an unvisited child's Q is its score). AlphaZero-like
programs have ``fpu: 0`` and ``parent_visits_floor: 1`` instead: without a floor the first choice, at N = 0, is the
largest initial value whatever the prior.

A finished answer is offered once and its branch closed when nothing open is left below it, so no simulation revisits
finished paths; ``revisit`` keeps them open, as the textbook does.

Needs a policy that proposes steps, and a scorer that judges unfinished trajectories; ``puct`` needs log-probabilities.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf, sqrt
from typing import Any, ClassVar, Literal, TypeAlias

from treewright.searches.last_word import Beginning, finish_best, next_steps, only_one_left
from treewright.searches.mcts_rules import Puct, Rule, Uct
from treewright.searches.mcts_tree import Node, back_up, close, resume, suspend
from treewright.searches.step_scores import StepRule, combined, scorer_need
from treewright_registry import Capability, Env, Need, Problem, Sampling, Score, Trajectory

_TO_THE_END = Sampling(unit="end", temperature=0.0)
_Scale: TypeAlias = Callable[[Sequence[Score]], list[float]]


class Mcts:
    """Monte-Carlo tree search.

    Args:
        branch: steps drawn when a node is expanded.
        rule: ``uct`` or ``puct``.
        exploration: the constant c of ``uct``.
        prior: P of ``uct``: 1 (``none``) or the softmax of the siblings' scores (``scores``).
        c_base, c_init: the constants of ``puct``.
        fpu: Q of an unvisited child of ``puct``; ``None`` takes the scorer's value of it.
        parent_visits_floor: N of ``puct`` is at least this.
        first_visits: whether new children are visited ``together`` or ``one-by-one``.
        revisit: finished answers stay open and give their value again; needs ``iterations``.
        rollout: α, the weight of a greedy continuation to the end; 0 makes none. Finished answers then come early,
            and each expansion costs one whole answer more.
        leaves: leaves expanded in one round, for fuller batches; 1 is the exact sequential search.
        virtual_loss: visits of value 0 that a leaf under way counts for, so that the others of the round look
            elsewhere.
        depth: most steps of an answer; deeper branches are closed.
        iterations: most simulations (``together``: expansions); ``None`` goes on until the budget is spent.
        temperature: sampling temperature; ``None`` leaves the policy's own.
        step_scores: how a partial answer's score is made of its steps' scores; ``own``: as the scorer does.
    """

    needs: ClassVar[Mapping[str, Need]] = {
        "policy": Need("policy"),
        "scorer": Need("scorer", frozenset({Capability.PARTIAL})),
    }
    needs_budget: ClassVar[bool] = True
    own_limits: ClassVar[tuple[str, ...]] = ("iterations",)

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """The roles, with the log-probabilities that ``puct`` takes its priors from."""
        priors = {Capability.LOG_PROBABILITY} if options.get("rule", "uct") == "puct" else set()
        return {"policy": Need("policy", frozenset(priors)), "scorer": scorer_need(options, Capability.PARTIAL)}

    def __init__(
        self,
        *,
        branch: int = 4,
        rule: Literal["uct", "puct"] = "uct",
        exploration: float = sqrt(2),
        prior: Literal["none", "scores"] = "none",
        c_base: float = 19652.0,
        c_init: float = 1.25,
        fpu: float | None = None,
        parent_visits_floor: int = 0,
        first_visits: Literal["together", "one-by-one"] = "together",
        revisit: bool = False,
        rollout: float = 0.0,
        leaves: int = 1,
        virtual_loss: int = 1,
        depth: int = 40,
        iterations: int | None = None,
        temperature: float | None = None,
        step_scores: StepRule = "own",
    ) -> None:
        if min(branch, depth) < 1:
            raise ValueError(f"branch and depth must be at least 1, not {branch} and {depth}")
        if not 0.0 <= rollout <= 1.0:
            raise ValueError(f"rollout must be in [0, 1], not {rollout}")
        if leaves < 1 or min(virtual_loss, parent_visits_floor) < 0:
            raise ValueError("leaves must be at least 1, virtual_loss and parent_visits_floor must not be negative")
        if revisit and (iterations is None or first_visits == "together"):
            raise ValueError("revisit needs iterations, as it never runs out of nodes, and first_visits 'one-by-one'")
        self.branch = branch
        self.rule: Rule = (
            Uct(exploration, prior == "scores") if rule == "uct" else Puct(c_base, c_init, fpu, parent_visits_floor)
        )
        self.together = first_visits == "together"
        self.revisit = revisit
        self.rollout = rollout
        self.leaves = leaves
        self.virtual_loss = virtual_loss
        self.depth = depth
        self.iterations = inf if iterations is None else iterations
        self.step_scores = step_scores
        self.sampling = Sampling(temperature=temperature)

    async def search(self, problem: Problem, env: Env) -> None:
        """Select, expand, evaluate, back up, until budget or tree is used up."""
        nodes = [Node(env.root, None, 1.0, 0.0)]
        try:
            await self._grow(nodes, env)
        finally:  # also when the budget ends the search
            for node in nodes:
                env.visit(node.trajectory, node.visits)

    async def _grow(self, nodes: list[Node], env: Env) -> None:
        scale = _scaling(*env.range())
        root = nodes[0]
        left = self.iterations
        answered = False
        while left > 0 and not root.closed:
            if not answered and only_one_left(env):
                return await self._last_word(nodes, env)
            leaves, walks = self._select(root, left)
            left -= walks
            if not leaves:
                continue
            try:
                prefixes = [leaf.trajectory for leaf in leaves]
                families = await next_steps(
                    env, prefixes, self.branch, sampling=self.sampling, answered=answered, offers_all=True
                )
                scores = await self._judge(families, env)
            finally:
                if self.leaves > 1:
                    for leaf in leaves:
                        resume(leaf, self.virtual_loss)
            values = [scale(judged) for judged in scores]
            answered = answered or any(env.finished(step) for family in families for step in family)
            if self.rollout:
                answered = await self._roll_out(families, values, scale, env) or answered
            for leaf, steps, judged, own in zip(leaves, families, scores, values, strict=True):
                self._expand(leaf, steps, judged, own, env)
                nodes.extend(leaf.children)

    async def _roll_out(
        self, families: Sequence[Sequence[Trajectory]], values: list[list[float]], scale: _Scale, env: Env
    ) -> bool:
        """Continue the best new child of each family to its end, offer that, mix its value in; whether any was."""
        best = [(row, _best_open(steps, own)) for row, (steps, own) in enumerate(zip(families, values, strict=True))]
        chosen = [(row, place) for row, place in best if place is not None]
        if not chosen:
            return False
        ends = await env.propose([families[row][place] for row, place in chosen], 1, sampling=_TO_THE_END)
        reached = [(at, family[0]) for at, family in zip(chosen, ends, strict=True) if family]
        judged = combined(await env.score([end for _, end in reached]), self.step_scores)
        for ((row, place), end), score, value in zip(reached, judged, scale(judged), strict=True):
            if env.finished(end):
                env.offer(end, score)
            if value == value:
                values[row][place] += self.rollout * (value - values[row][place])
        return any(env.finished(end) for _, end in reached)

    async def _last_word(self, nodes: Sequence[Node], env: Env) -> None:
        leaves = [node for node in nodes[1:] if not node.children and node.value == node.value]
        beginnings = [Beginning(leaf.trajectory, leaf.value) for leaf in leaves]
        await finish_best(env, beginnings, temperature=self.sampling.temperature, step_scores=self.step_scores)

    def _select(self, root: Node, left: float) -> tuple[list[Node], int]:
        """Simulations until enough leaves wait for their children; those leaves, and how many simulations it took."""
        leaves: list[Node] = []
        walks = 0
        while walks < left and len(leaves) < self.leaves and not root.closed:
            walks += 1
            leaf = self._walk(root)
            if leaf.children or not self._expandable(leaf):
                self._visit(leaf)
            else:
                leaves.append(leaf)
                if self.leaves > 1:
                    suspend(leaf, self.virtual_loss)
        return leaves, walks

    def _walk(self, node: Node) -> Node:
        """To a node without children, or to one that is visited for the first time."""
        best = self.rule.best
        while node.children:
            node = best(node)
            if not node.visits:
                break
        return node

    def _expandable(self, leaf: Node) -> bool:
        """Whether the simulation goes on below the leaf: it is the root, or visited, unfinished and not too deep."""
        trajectory = leaf.trajectory
        return leaf.parent is None or bool(leaf.visits and not trajectory.finished and trajectory.depth < self.depth)

    def _visit(self, node: Node) -> None:
        """A simulation ends here: the node's own value goes up."""
        back_up(node, 1, node.value)
        if not self.revisit and (node.trajectory.finished or node.trajectory.depth >= self.depth):
            close(node)

    async def _judge(self, families: Sequence[Sequence[Trajectory]], env: Env) -> list[Sequence[Score]]:
        flat = [step for family in families for step in family]
        if not flat:
            return [[] for _ in families]
        scores = combined(await env.score(flat), self.step_scores)
        if len(families) == 1:
            return [scores]
        left = iter(scores)
        return [[next(left) for _ in family] for family in families]

    def _expand(
        self, leaf: Node, steps: Sequence[Trajectory], scores: Sequence[Score], values: Sequence[float], env: Env
    ) -> None:
        """Hang the new children below the leaf, offer the finished, and back up what ``first_visits`` says."""
        if not steps:
            return close(leaf)
        leaf.children = [
            Node(step, leaf, prior, value)
            for step, prior, value in zip(steps, self.rule.priors(steps, values), values, strict=True)
        ]
        for child, score in zip(leaf.children, scores, strict=True):
            finished = env.finished(child.trajectory)
            if finished:
                env.offer(child.trajectory, score)
            child.closed = score.failed or (self.together and (finished or child.trajectory.depth >= self.depth))
        if self.together:
            _visit_all(leaf)
        elif not all(child.closed for child in leaf.children):
            self._visit(self.rule.best(leaf))
        close(leaf)


def _best_open(steps: Sequence[Trajectory], values: Sequence[float]) -> int | None:
    """The place of the best unfinished step whose score did not fail; ties go to the first."""
    places = [place for place, step in enumerate(steps) if not step.finished and values[place] == values[place]]
    return max(places, key=lambda place: values[place]) if places else None


def _visit_all(leaf: Node) -> None:
    """First visits of the leaf's new children, and their values up the path.

    A child whose score failed has no value (NaN) and is left out: it is neither good nor bad.
    """
    visits, total = 0, 0.0
    for child in leaf.children:
        if child.value == child.value:
            child.visits = 1
            child.total = child.value
            visits += 1
            total += child.value
    back_up(leaf, visits, total)


def _scaling(low: float, high: float) -> _Scale:
    """Scores to [0, 1] where the range is finite: UCT's constant assumes it. Failed ones stay NaN."""
    offset, width = (low, high - low) if -inf < low < high < inf else (0.0, 1.0)
    return lambda scores: [(score.value - offset) / width for score in scores]
