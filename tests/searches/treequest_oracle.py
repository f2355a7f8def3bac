"""The decisions of treequest's AB-MCTS-A, with given rewards and given random draws.

``treequest_ab_mcts.json`` was written by this module with the version that stands in it:

    python -m tests.searches.treequest_oracle       (treequest==0.3.3 must be installed)

Draws are shared: treequest's calls of scipy and numpy are answered by the generator that ``core/ab-mcts`` uses
for the same decision, through the same transformations.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from itertools import product
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from treewright_registry import Key

STORED = Path(__file__).with_name("treequest_ab_mcts.json")
NODES = 40
REWARDS = [round(Key.root(5, number).uniform(), 3) for number in range(NODES)]


@dataclass(frozen=True)
class Decisions:
    """What was decided in a run of ``NODES`` answers.

    Attributes:
        family, choice: options.
        policies: how many there were.
        parents: answer → the answer it was drawn at; −1 is the root.
        policy: answer → number of the policy that was asked.
    """

    family: str
    choice: str
    policies: int
    parents: tuple[int, ...]
    policy: tuple[int, ...]


CASES = [("gaussian", "thompson", 1), ("beta", "thompson", 1)] + [
    (family, choice, 3) for family, choice in product(("gaussian", "beta"), ("thompson", "ucb"))
]


def decision_draws(iteration: int, problem: str = "tree", seed: int = 0) -> Random:
    """The generator that ``core/ab-mcts`` decides with."""
    return Key.root(seed, problem).child("draw", "select", iteration).generator()


def treequest_decisions(family: str, choice: str, policies: int, rewards: Sequence[float] = REWARDS) -> Decisions:
    """treequest's decisions; its answers are numbers, in the order in which they were made."""
    treequest = import_module("treequest")  # by name: it is no dependency, and ships no stubs
    algorithm = treequest.ABMCTSA(dist_type=family, model_selection_strategy=f"multiarm_bandit_{choice}")
    state = algorithm.init_tree()
    actions = [str(number) for number in range(policies)]
    parents, asked = [], []
    with _draws_of() as source:
        for iteration, reward in enumerate(rewards):
            source.random = decision_draws(iteration)
            state, [trial] = algorithm.ask_batch(state, 1, actions)
            parents.append(-1 if trial.parent_state is None else trial.parent_state)
            asked.append(int(trial.action))
            state = algorithm.tell(state, trial.trial_id, (iteration, reward))
    return Decisions(family, choice, policies, tuple(parents), tuple(asked))


@contextmanager
def _draws_of() -> Iterator[Any]:
    prob_state = import_module("treequest.algos.ab_mcts_a.prob_state")

    source = SimpleNamespace(random=Random(0))
    normal = SimpleNamespace(normal=lambda mean, deviation: source.random.normalvariate(mean, float(deviation)))
    replaced = {
        "invgamma": SimpleNamespace(rvs=lambda a, scale: scale / source.random.gammavariate(a, 1.0)),
        "beta": SimpleNamespace(rvs=lambda a, b: source.random.betavariate(a, b)),
        "np": SimpleNamespace(random=normal, mean=prob_state.np.mean, var=prob_state.np.var, sqrt=prob_state.np.sqrt),
    }
    kept = {name: getattr(prob_state, name) for name in replaced}
    try:
        for name, stand_in in replaced.items():
            setattr(prob_state, name, stand_in)
        yield source
    finally:
        for name, original in kept.items():
            setattr(prob_state, name, original)


def stored_decisions() -> list[Decisions]:
    """What treequest decided when the file was written."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    assert stored["treequest"] == "0.3.3"
    return [
        Decisions(**{**run, "parents": tuple(run["parents"]), "policy": tuple(run["policy"])})
        for run in stored["decisions"]
    ]


if __name__ == "__main__":
    decisions = [asdict(treequest_decisions(*case)) for case in CASES]
    lines = ",\n".join(json.dumps(run) for run in decisions)
    text = f'{{"treequest": "{version("treequest")}", "decisions": [\n{lines}\n]}}\n'
    STORED.write_text(text, encoding="utf-8")
