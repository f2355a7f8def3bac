"""The record of one problem's search tree, in columns.

A node is a step that a policy returned (node 0 is the problem). Columns instead of objects keep a
node at a few dozen bytes beside the step itself. A node's cost is its share of the call that
proposed it plus its share of the calls that scored it, so the nodes' costs add up to the total.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from treewright_registry import Hit, Step, Trajectory, Usage, to_json

_NAN = float("nan")


class CallRecord(NamedTuple):
    """What one call cost, and the nodes that share it evenly."""

    role: str
    method: str
    nodes: Sequence[int]
    requests: int
    candidates: int
    failed: int
    generated_tokens: int
    seconds: float
    usage: Usage


class Trace:
    """Nodes of one problem, in order of birth.

    Attributes:
        parents: node → its parent; −1 for roots of inner conversations of composite components.
        steps: node → the step, ``None`` for node 0.
        visits: node → how often the search visited it, as far as the search says so.
        notes: figures of the whole search, by name; they stand in the row of node 0.
    """

    def __init__(self) -> None:
        self.parents = array("i", [-1])
        self.steps: list[Step | None] = [None]
        self.visits = array("i", [0])
        self.notes: dict[str, float] = {}
        self._scores: dict[str, array[float]] = {}
        self._calls: list[CallRecord] = []
        self._hits: dict[int, tuple[Hit, ...]] = {}

    def __len__(self) -> int:
        return len(self.parents)

    def grow(self, parent: Trajectory, parent_node: int, steps: "list[Step]") -> list[Trajectory]:
        """Add a node for each step below ``parent_node``; the extended trajectories."""
        first = len(self.parents)
        if len(steps) == 1:  # searches that ask for one step at a time make many of these
            self.parents.append(parent_node)
            self.steps.append(steps[0])
            self.visits.append(0)
            return [parent.extend(steps[0], first)]
        self.parents.extend([parent_node] * len(steps))
        self.steps.extend(steps)
        self.visits.frombytes(bytes(4 * len(steps)))
        return [parent.extend(step, node) for node, step in enumerate(steps, first)]

    def column(self, role: str) -> "array[float]":
        """The column of the scorer in ``role``: node → its score, NaN where there is none."""
        column = self._scores.get(role)
        if column is None:
            column = self._scores[role] = array("d")
        missing = len(self.parents) - len(column)
        if missing > 0:
            column.extend([_NAN] * missing)
        return column

    def charge(self, record: CallRecord) -> None:
        """Note a call; its cost is split when the rows are written."""
        self._calls.append(record)

    def note_hits(self, node: int, hits: tuple[Hit, ...]) -> None:
        """Note the retrieved records that ``node`` was proposed with."""
        self._hits[node] = hits

    def rows(self) -> Iterator[dict[str, Any]]:
        """One JSON-ready row for each node."""
        costs = self.costs()
        for node, (parent, step) in enumerate(zip(self.parents, self.steps, strict=True)):
            row: dict[str, Any] = {"node": node, "parent": parent if parent >= 0 else None}
            if step is not None:
                row["step"] = to_json(step.content)
                row["log_probability"] = step.log_probability
                row["tokens"] = step.tokens
                row["finish"] = step.finish
            row["scores"] = self._scores_of(node)
            row["visits"] = self.visits[node]
            row["cost"] = costs[node]
            if self.notes and node == 0:
                row["notes"] = self.notes
            if node in self._hits:
                row["hits"] = [
                    {"id": hit.id, "similarity": hit.similarity, "provenance": hit.provenance}
                    for hit in self._hits[node]
                ]
            yield row

    def costs(self) -> list[dict[str, float]]:
        """Node → its share of what its calls cost, counter by counter."""
        costs: list[dict[str, float]] = [{} for _ in self.parents]
        for record in self._calls:
            share = 1.0 / len(record.nodes)
            amounts = {
                "calls": record.requests,
                "candidates": record.candidates,
                "reward_calls": record.requests if record.method == "score" else 0,
                "failed_calls": record.failed,
                "seconds": record.seconds,
                **record.usage._asdict(),
                "generated_tokens": record.generated_tokens,  # of steps and of usage
            }
            for name, amount in amounts.items():
                if amount:
                    for node in record.nodes:
                        costs[node][name] = costs[node].get(name, 0.0) + amount * share
        return costs

    def _scores_of(self, node: int) -> dict[str, float]:
        cells = {role: column[node] for role, column in self._scores.items() if node < len(column)}
        return {role: value for role, value in cells.items() if value == value}  # NaN: not scored
