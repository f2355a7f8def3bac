"""The figures that the engine must reach, computed from the rows of a run."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Medians = Mapping[tuple[str, str, int], float]


class Bar(NamedTuple):
    """A figure and the most it may be."""

    name: str
    work: str
    size: int
    metric: str
    value: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        return self.value <= self.limit

    def row(self, version: str) -> dict[str, Any]:
        """The figure as a row of results."""
        fields = {"work": self.work, "size": self.size, "metric": self.metric}
        value = round(self.value, 5)
        return {"system": "treewright", "version": version, **fields, "value": value, "unit": self.unit}


class Ratio(NamedTuple):
    """Our amount over a peer's for the same work in the same run."""

    name: str
    work: str
    size: int
    metric: str
    value: float

    def row(self, version: str) -> dict[str, Any]:
        """The figure as a row of results."""
        fields = {"work": self.work, "size": self.size, "metric": self.metric}
        return {"system": "treewright", "version": version, **fields, "value": round(self.value, 5), "unit": "ratio"}


def ratios(table: list[dict[str, Any]]) -> Iterator[Ratio]:
    """Ours over each peer's, for every work that both have."""
    for metric, what in (("cpu", "CPU time"), ("memory", "memory")):
        medians = _medians(table, metric)
        for (system, work, size), theirs in medians.items():
            ours = medians.get(("treewright", work, size))
            if system != "treewright" and ours is not None:
                name = f"{work} at {size:,}: {what} / {system}'s"
                yield Ratio(name, work, size, f"{metric}_over_{system}", ours / theirs)


def bars(table: list[dict[str, Any]]) -> Iterator[Bar]:
    """Every bar that the run has figures for."""
    cpu = _medians(table, "cpu")
    yield from _tree_search(cpu)
    yield from _growth(cpu)
    yield from _memory(_medians(table, "memory"))
    yield from _best_of_n(cpu)


def _medians(table: list[dict[str, Any]], metric: str) -> Medians:
    return {(row["system"], row["work"], row["size"]): row["value"] for row in table if row["metric"] == metric}


def _tree_search(cpu: Medians) -> Iterator[Bar]:
    theirs = cpu.get(("treequest", "mcts", 1_000))
    if theirs is not None:
        value = cpu["treewright", "mcts", 1_000] / theirs
        name = "mcts at 1,000 nodes: CPU time / treequest's"
        yield Bar(name, "mcts", 1_000, "cpu_ratio_to_treequest", value, 1 / 15, "ratio")


def _growth(cpu: Medians) -> Iterator[Bar]:
    for work in ("mcts", "beam", "best-of-n"):
        small, large = (cpu.get(("treewright", work, size)) for size in (1_000, 100_000))
        if small is not None and large is not None:
            name = f"{work}: time per node at 100,000 / at 1,000"
            yield Bar(name, work, 100_000, "cpu_growth_from_1k", large / small, 1.5, "ratio")


def _memory(memory: Medians) -> Iterator[Bar]:
    for (system, work, size), value in memory.items():
        if system == "treewright" and work in ("mcts", "beam", "best-of-n") and size >= 10_000:
            yield Bar(f"{work} at {size:,}: bytes a node", work, size, "memory_bar", value, 700, "bytes/node")


def _best_of_n(cpu: Medians) -> Iterator[Bar]:
    """Against its_hub's limiter: request for request, and as each engine samples by itself."""
    for work in ("best-of-n", "best-of-n, endpoint, n requests"):
        for size in (1_000, 10_000):
            ours, theirs = (
                cpu.get(("treewright", work, size)),
                cpu.get(("its_hub", "best-of-n, limit 32", size)),
            )
            if ours is not None and theirs is not None:
                name = f"{work} at {size:,}: CPU time / its_hub's best-of-n, limit 32"
                yield Bar(name, work, size, "cpu_ratio_to_its_hub", ours / theirs, 0.1, "ratio")
