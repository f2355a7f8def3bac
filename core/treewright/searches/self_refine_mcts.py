r"""Self-refine Monte-Carlo tree search: a node is a whole answer, an edge a critique and rewrite.

    repeat: draw an open node a by its UCT weight
            a′ ← policy(a)                 one revised answer (the policy criticises and rewrites)
            R(a′) ← reward, scaled to [0, 1]; above ``reward_limit`` less ``reward_penalty``
            Q(a′) ← (min R + mean R) / 2   over the reward samples of a′ (R itself if there is one)
            Q(a)  ← ½ Q(a) + ½ max Q(children), up to the draft

    UCT(a) = Q(a) + c · sqrt( ln(N_parent + 1) / (N_a + ε) )

N counts visits, which the persistent back-up adds to all the way up; with ``backup: recomputed`` it counts a
node's own reward samples, as MCTSr does.

Sources: MCTSr (arXiv 2406.07394; c 1.4, at most 3 children), K-MSE (arXiv 2506.23056:
importance sampling over UCT, Q kept at each node, reward limit 95 and penalty 5 on a 0–100 scale;
second-hand, as ``amazon-science/ExTS`` describes it). The number of rollouts is not published; the
budget decides (ours). MCTSr's published loop stops when the reference answer is reached; an honest
search cannot know that and this one does not. MCTSr sets a
dummy answer ("I don't know") beside its first one; it is left out: every answer here is the policy's.

Needs a policy that revises whole answers (each of its steps is a complete answer) and a scorer.
A retriever is used if the pipeline has one: its hits go with every request.
"""

from collections.abc import Callable, Mapping
from math import inf, isnan, log, sqrt
from typing import Any, ClassVar, Literal

from treewright.searches.self_refine_tree import Answer, Answers
from treewright_registry import TO_END, Capability, Context, Env, Key, Need, Problem, Score

_EPSILON = 1e-5  # MCTSr's: keeps the bonus of a node without visits finite


class SelfRefineMcts:
    """Tree search over revisions of whole answers.

    Args:
        drafts: first answers (1 in both papers).
        children: most revisions of one answer.
        exploration: the constant c.
        selection: ``importance`` draws an open node with weight UCT (K-MSE), ``greedy`` takes the
            largest UCT (MCTSr).
        open_nodes: which nodes may be revised. ``few-children``: fewer than ``children`` and no child
            better than the node (K-MSE's ancestor); ``or-worse-children``: fewer than ``children``,
            or the best child worse than the node (MCTSr).
        backup: ``persistent`` keeps Q ← ½Q + ½Q′ at the nodes (K-MSE); ``recomputed`` uses the mean
            for selection only, and N counts reward samples (MCTSr).
        resample: draw another reward sample for each node that is revised (MCTSr, noisy rewards).
        reward_limit, reward_penalty: scaled rewards above the limit lose the penalty; they guard
            against a reward model that is fooled. ``reward_limit: 1.0`` switches it off.
        hits: records to retrieve for each request, if the pipeline has a retriever.
        iterations: most revisions; ``None`` goes on until the budget is spent.
    """

    needs: ClassVar[Mapping[str, Need]] = {
        "policy": Need("policy", frozenset({Capability.REVISES})),
        "scorer": Need("scorer"),
        "retriever": Need("retriever", optional=True),
    }
    needs_budget: ClassVar[bool] = True
    own_limits: ClassVar[tuple[str, ...]] = ("iterations",)

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """Without records to retrieve no retriever is called."""
        needs = dict(SelfRefineMcts.needs)
        if options.get("hits") == 0:
            del needs["retriever"]
        return needs

    def __init__(
        self,
        *,
        drafts: int = 1,
        children: int = 3,
        exploration: float = 1.4,
        selection: Literal["importance", "greedy"] = "importance",
        open_nodes: Literal["few-children", "or-worse-children"] = "few-children",
        backup: Literal["persistent", "recomputed"] = "persistent",
        resample: bool = False,
        reward_limit: float = 0.95,
        reward_penalty: float = 0.05,
        hits: int = 5,
        iterations: int | None = None,
    ) -> None:
        if min(drafts, children) < 1:
            raise ValueError(f"drafts and children must be at least 1, not {drafts} and {children}")
        if not all(value >= 0 for value in (exploration, reward_penalty, hits, iterations or 0)):  # NaN is refused, too
            raise ValueError("exploration, reward_penalty, hits and iterations must not be negative")
        if isnan(reward_limit):
            raise ValueError("reward_limit must be a number")
        self.drafts = drafts
        self.children = children
        self.exploration = exploration
        self.selection = selection
        self.open_nodes = open_nodes
        self.backup = backup
        self.resample = resample
        self.reward_limit = reward_limit
        self.reward_penalty = reward_penalty
        self.hits = hits
        self.iterations = iterations

    async def search(self, problem: Problem, env: Env) -> None:
        """Draft, then revise until the budget is spent or no node is open."""
        tree = Answers(self._weight)
        try:
            await self._grow(tree, problem, env)
        finally:  # also when the budget ends the search
            for node in tree.nodes:
                env.visit(node.trajectory, node.visits)

    async def _grow(self, tree: Answers, problem: Problem, env: Env) -> None:
        reward = self._reward(*env.range())
        context = await self._context(problem, env)
        [drafts] = await env.propose([env.root], self.drafts, sampling=TO_END, context=context)
        await self._judge([Answer(draft, None) for draft in drafts], tree, reward, env)
        tree.weigh()
        iteration = 0
        while self.iterations is None or iteration < self.iterations:
            node = self._select(tree, env.random("select", iteration))
            iteration += 1
            if node is None:
                return
            children = len(node.children)
            [revisions] = await env.propose([node.trajectory], 1, sampling=TO_END, context=context)
            if self.resample:
                [again] = await env.score([node.trajectory])
                if not again.failed:
                    node.add_reward(reward(again))
            await self._judge([Answer(revision, node) for revision in revisions], tree, reward, env)
            if len(node.children) == children:
                node.failures += 1  # a place for a child is used up, so that failures cannot go on for ever
            tree.weigh(node)

    async def _context(self, problem: Problem, env: Env) -> Context:
        if not env.has("retriever") or not self.hits:
            return Context()
        [hits] = await env.retrieve([problem.prompt], self.hits)
        return Context(hits=tuple(hits))

    async def _judge(self, answers: list[Answer], tree: Answers, reward: Callable[[Score], float], env: Env) -> None:
        """Score new answers, attach them, offer them, back their values up."""
        if not answers:
            return
        scores = await env.score([answer.trajectory for answer in answers])
        for answer, score in zip(answers, scores, strict=True):
            if score.failed:
                continue  # neither good nor bad: it does not enter the tree
            answer.add_reward(reward(score))
            tree.add(answer)
            if env.finished(answer.trajectory):
                env.offer(answer.trajectory, score)
            self._back_up(answer)

    def _back_up(self, answer: Answer) -> None:
        parent = answer.parent
        while parent is not None:
            if self.backup == "persistent":  # MCTSr counts reward samples, and a child's is none of its parent's
                parent.visits += 1
                parent.quality = 0.5 * parent.quality + 0.5 * parent.best_child()
            parent = parent.parent

    def _select(self, tree: Answers, draw: Key) -> Answer | None:
        weights = tree.weights
        if self.selection == "importance":
            return tree.nodes[draw.choice(weights)] if any(weights) else None
        best = max(weights, default=-inf)
        return None if best == -inf else tree.nodes[weights.index(best)]  # ties: the oldest

    def _weight(self, node: Answer, drafts: int) -> float:
        """What selection goes by; a node that is not open can never be selected."""
        if self.selection == "importance":
            return max(self._uct(node, drafts), _EPSILON) if self._is_open(node) else 0.0
        return self._uct(node, drafts) if self._is_open(node) else -inf

    def _is_open(self, node: Answer) -> bool:
        if not node.trajectory.finished:
            return False
        free = len(node.children) + node.failures < self.children
        if self.open_nodes == "few-children":
            return free and not any(child.quality > node.quality for child in node.children)
        return free or (bool(node.children) and not node.failures and node.best_child() < node.quality)

    def _uct(self, node: Answer, drafts: int) -> float:
        quality = node.quality
        if self.backup == "recomputed" and node.children:
            quality = (quality + node.best_child()) / 2
        above = node.parent.visits if node.parent is not None else drafts
        return quality + self.exploration * sqrt(log(above + 1) / (node.visits + _EPSILON))

    def _reward(self, low: float, high: float) -> Callable[[Score], float]:
        """Scores to [0, 1] where the range is finite, limited; failed ones stay NaN."""
        offset, width = (low, high - low) if -inf < low < high < inf else (0.0, 1.0)

        def reward(score: Score) -> float:
            value = (score.value - offset) / width
            return value - self.reward_penalty if value > self.reward_limit else value

        return reward
