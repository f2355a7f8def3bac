"""llm-reasoners 1.0.2 in ``engine_overhead.py``; its algorithms untouched.

Read: ``reasoners/algorithm/mcts.py`` and ``beam_search.py``. Its requirements bring CUDA libraries; installed
without them (``pip install --no-deps``) it needs torch and transformers for a type hint and a rank check only, so
empty modules stand in where they are missing.
"""

import importlib.util
import itertools
import sys
import types
from typing import Any

from overhead_worker import Run

BRANCH = 4
LEVELS = 16
DEPTH = 10  # with 16 levels every iteration of its tree search would add 64 nodes
EXPLORATION = 50.0  # with its default of 1 it soon walks finished paths only and adds no nodes


def _import_reasoners() -> None:
    for name, attribute in (("torch", "Tensor"), ("transformers", "StoppingCriteriaList")):
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            module = types.ModuleType(name)
            setattr(module, attribute, object)
            sys.modules[name] = module
    import reasoners  # noqa: F401


def _world_and_config() -> tuple[Any, Any]:
    from reasoners import SearchConfig, WorldModel

    numbers = itertools.count(1)

    class World(WorldModel):
        def init_state(self) -> int:
            return 0

        def step(self, state: int, action: int) -> tuple[int, dict[str, Any]]:
            return state + 1, {}

        def is_terminal(self, state: int) -> bool:
            return False

    class Config(SearchConfig):
        def get_actions(self, state: int) -> list[int]:
            return list(range(BRANCH))

        def fast_reward(self, state: int, action: int) -> tuple[float, dict[str, Any]]:
            return (next(numbers) * 40503 & 0xFFFF) / 65536, {}

        def reward(self, state: int, action: int, **rest: Any) -> tuple[float, dict[str, Any]]:
            return (next(numbers) * 40503 & 0xFFFF) / 65536, {}

    return World(), Config()


def llm_reasoners_mcts(size: int) -> Run:
    """Iterations until the tree has ``size`` nodes."""
    _import_reasoners()
    from reasoners.algorithm import MCTS, MCTSNode

    def run() -> int:
        algorithm = MCTS(w_exp=EXPLORATION, depth_limit=DEPTH)
        algorithm.world_model, algorithm.search_config = _world_and_config()
        MCTSNode.reset_id()
        root = algorithm.root = MCTSNode(state=algorithm.world_model.init_state(), action=None, calc_q=algorithm.calc_q)
        last = 0
        while last < size:
            algorithm.iterate(root)
            last = next(MCTSNode.id_iter)  # wastes one number; nodes are counted below
        return _count(root)

    return run


def _count(node: Any) -> int:
    waiting, count = [node], 0
    while waiting:
        children = waiting.pop().children or ()
        count += len(children)
        waiting.extend(children)
    return count


def llm_reasoners_beam(size: int) -> Run:
    """The beam of the other systems: the same width, branching and levels."""
    _import_reasoners()
    from reasoners.algorithm import BeamSearch

    width = max(1, size // (BRANCH * LEVELS))

    def run() -> int:
        world, config = _world_and_config()
        result = BeamSearch(beam_size=width, max_depth=LEVELS)(world, config)
        return _count(result.tree)

    return run
