"""The trees of treequest's UCB1 and StandardMCTS, with given rewards.

``treequest_trees.json`` was written by this module with the version that stands in it:

    python -m tests.searches.treequest_trees       (treequest==0.3.3 must be installed)
"""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from treewright_registry import Key

STORED = Path(__file__).with_name("treequest_trees.json")
NODES, BRANCH = 40, 2
SEEDS = (0, 1, 2)
ARMS: Sequence[tuple[float, tuple[float, ...]]] = (
    (2**0.5, (1.0, 0.0)),
    (2**0.5, (0.6, 0.5, 0.4)),
    (1.0, (1.0, 0.0)),
    (1.0, (0.6, 0.5, 0.4)),
)
PULLS = 500


def reward(path: str, seed: int) -> float:
    """The reward of the node at the end of a path of child numbers."""
    return round(Key.root(seed, "reward", path).uniform(), 3)


def treequest_tree(seed: int, branch: int = BRANCH) -> dict[str, int]:
    """StandardMCTS: path → visits, in order of birth."""
    import treequest  # type: ignore[import-not-found]

    algorithm = treequest.StandardMCTS(samples_per_action=branch)
    state: Any = algorithm.init_tree()
    children: dict[str, int] = {}

    def generate(parent: str | None) -> tuple[str, float]:
        number = children.get(parent or "", 0)
        children[parent or ""] = number + 1
        path = f"{parent or ''}{number}"
        return path, reward(path, seed)

    for _ in range(NODES):
        state = algorithm.step(state, {"step": generate}, inplace=True)
    nodes = sorted(state.tree.get_nodes(), key=lambda node: node.expand_idx)
    return {node.state or "": state.visit_counts[node.expand_idx] for node in nodes}


def treequest_pulls(exploration: float, arms: Sequence[float]) -> list[int]:
    """MultiArmedBanditUCBAlgo with arms that always give the same: which arm was pulled, 500 times."""
    from treequest.algos.multi_armed_bandit_ucb import (  # type: ignore[import-not-found]
        MultiArmedBanditUCBAlgo,
    )

    algorithm: Any = MultiArmedBanditUCBAlgo(exploration_weight=exploration)
    state: Any = algorithm.init_tree()
    pulled: list[int] = []

    def arm(number: int) -> Any:
        def pull(parent: str | None) -> tuple[str, float]:
            pulled.append(number)
            return str(number), arms[number]

        return pull

    generate = {str(number): arm(number) for number in range(len(arms))}
    for _ in range(PULLS):
        state = algorithm.step(state, generate, inplace=True)
    return pulled


def pulls_until(pulled: Sequence[int], arms: int, n: int) -> list[int]:
    """How often each arm was pulled among the first n."""
    return [sum(each == arm for each in pulled[:n]) for arm in range(arms)]


def everything() -> dict[str, Any]:
    """What the file holds."""
    return {
        "treequest": version("treequest"),
        "trees": [treequest_tree(seed) for seed in SEEDS],
        "pulls": ["".join(map(str, treequest_pulls(*case))) for case in ARMS],
    }


def stored() -> dict[str, Any]:
    """What treequest did when the file was written."""
    found: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    assert found["treequest"] == "0.3.3"
    return found


if __name__ == "__main__":
    STORED.write_text(json.dumps(everything()) + "\n", encoding="utf-8")
