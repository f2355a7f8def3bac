r"""Islands: pools of whole answers that improve apart, restart, and exchange their best.

For policies that revise whole answers. Each round every island draws a parent by rank and asks the
policy for revisions of it; a revision enters the island's pool if it is new there and better than
the worst member.

    P(rank r) ∝ exp(−r / decay)

An island without a gain for ``patience`` rounds starts again from fresh drafts (what it offered
stays); every ``migration`` rounds the best of each island visits the next one. Elitist island models
are folklore of evolutionary search; the constants are ours, from the chemistry experiment.

Needs a policy that revises whole answers, and a scorer. The policy sees other members of the pool as
``context.peers``, and retrieved hits if the pipeline has a retriever.
"""

from collections.abc import Hashable, Mapping, Sequence
from math import exp
from typing import Any, ClassVar

from treewright_registry import TO_END, Capability, Context, Env, Hit, Need, Problem, Score, Trajectory


class Pool:
    """One island: at most ``capacity`` different answers, best first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.members: list[tuple[float, Trajectory]] = []
        self.stale = 0
        self._keys: set[Hashable] = set()

    def enter(self, trajectory: Trajectory, rank: float, key: Hashable) -> bool:
        """Take an answer if it is new and good enough; whether it is the island's new best."""
        if key in self._keys or (self.full and rank <= self.members[-1][0]):
            return False
        best = not self.members or rank > self.members[0][0]
        self._keys.add(key)
        self.members.append((rank, trajectory))
        self.members.sort(key=lambda member: -member[0])  # stable: among equals the older stays ahead
        del self.members[self.capacity :]
        return best

    @property
    def full(self) -> bool:
        """Whether a newcomer displaces a member."""
        return len(self.members) >= self.capacity

    def restart(self) -> None:
        """Forget everything."""
        self.members.clear()
        self._keys.clear()
        self.stale = 0


class Islands:
    """Pools with restarts and migration.

    Args:
        islands: how many pools.
        pool: answers kept in each.
        drafts: answers that a fresh island asks for.
        branch: revisions asked for in each round.
        decay: mean rank of the parent drawn; 0 always takes the best.
        patience: rounds without a new best until an island starts again; 0 never restarts.
        migration: rounds between visits; 0 keeps the islands apart.
        peers: pool members shown to the policy beside the parent.
        hits: records to retrieve, if the pipeline has a retriever.
        convergence: stop after so many rounds in a row that bring no answer that was not seen before:
            small spaces are used up long before the budget is; 0 never stops.
        rounds: most rounds; ``None`` goes on until the budget is spent.
    """

    needs: ClassVar[Mapping[str, Need]] = {
        "policy": Need("policy", frozenset({Capability.REVISES})),
        "scorer": Need("scorer"),
        "retriever": Need("retriever", optional=True),
    }
    needs_budget: ClassVar[bool] = True
    own_limits: ClassVar[tuple[str, ...]] = ("rounds",)

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """Without records to retrieve no retriever is called."""
        needs = dict(Islands.needs)
        if options.get("hits") == 0:
            del needs["retriever"]
        return needs

    def __init__(
        self,
        *,
        islands: int = 2,
        pool: int = 16,
        drafts: int = 8,
        branch: int = 8,
        decay: float = 2.0,
        patience: int = 4,
        migration: int = 4,
        peers: int = 8,
        hits: int = 50,
        convergence: int = 8,
        rounds: int | None = None,
    ) -> None:
        if min(islands, pool, drafts, branch) < 1:
            raise ValueError("islands, pool, drafts and branch must be at least 1")
        if min(decay, patience, migration, peers, hits, convergence) < 0:
            raise ValueError("decay, patience, migration, peers, hits and convergence must not be negative")
        self.islands = islands
        self.pool = pool
        self.drafts = drafts
        self.branch = branch
        self.decay = decay
        self.patience = patience
        self.migration = migration
        self.peers = peers
        self.hits = hits
        self.convergence = convergence
        self.rounds = rounds

    async def search(self, problem: Problem, env: Env) -> None:
        """Round after round: propose on all islands at once, score, let the answers in."""
        hits = await self._retrieve(problem, env)
        pools = [Pool(self.pool) for _ in range(self.islands)]
        seen: set[Hashable] = set()
        turn = fruitless = 0
        while self.rounds is None or turn < self.rounds:
            families = await self._propose(pools, hits, turn, env)
            if not any(families):
                return
            await self._admit(pools, families, env)
            known = len(seen)
            seen.update(env.answer_key(answer) for family in families for answer in family)
            fruitless = 0 if len(seen) > known else fruitless + 1
            if self.convergence and fruitless >= self.convergence:
                return
            turn += 1
            self._migrate_and_restart(pools, turn, env)

    async def _propose(
        self, pools: Sequence[Pool], hits: tuple[Hit, ...], turn: int, env: Env
    ) -> list[list[Trajectory]]:
        parents = [self._parent(pool, env, turn, index) for index, pool in enumerate(pools)]
        contexts = [self._context(pool, parent, hits) for pool, parent in zip(pools, parents, strict=True)]
        asked = self.drafts if all(parent is env.root for parent in parents) else self.branch
        return await env.propose(parents, asked, sampling=TO_END, context=contexts)

    async def _retrieve(self, problem: Problem, env: Env) -> tuple[Hit, ...]:
        if not env.has("retriever") or not self.hits:
            return ()
        [hits] = await env.retrieve([problem.prompt], self.hits)
        return tuple(hits)

    def _parent(self, pool: Pool, env: Env, turn: int, index: int) -> Trajectory:
        if not pool.members:
            return env.root
        if not self.decay:
            return pool.members[0][1]
        weights = [exp(-rank / self.decay) for rank in range(len(pool.members))]
        return pool.members[env.random("parent", turn, index).choice(weights)][1]

    def _context(self, pool: Pool, parent: Trajectory, hits: tuple[Hit, ...]) -> Context:
        peers = tuple(member for _, member in pool.members if member is not parent)[: self.peers]
        return Context(hits=hits, peers=peers)

    async def _admit(self, pools: Sequence[Pool], families: Sequence[list[Trajectory]], env: Env) -> None:
        answers = [answer for family in families for answer in family if env.finished(answer)]
        if not answers:
            return
        scores = dict(zip(map(id, answers), await env.score(answers), strict=True))
        for pool, family in zip(pools, families, strict=True):
            gains = [self._enter(pool, answer, scores[id(answer)], env) for answer in family if id(answer) in scores]
            pool.stale = 0 if any(gains) else pool.stale + 1

    def _enter(self, pool: Pool, answer: Trajectory, score: Score, env: Env) -> bool:
        env.offer(answer, score)
        return not score.failed and pool.enter(answer, score.rank, env.answer_key(answer))

    def _migrate_and_restart(self, pools: Sequence[Pool], turn: int, env: Env) -> None:
        if self.migration and turn % self.migration == 0 and len(pools) > 1:
            guests = [pool.members[0] if pool.members else None for pool in pools]
            for index, guest in enumerate(guests):
                if guest is not None:
                    pools[(index + 1) % len(pools)].enter(guest[1], guest[0], env.answer_key(guest[1]))
        for pool in pools:
            if self.patience and pool.stale >= self.patience:
                pool.restart()
