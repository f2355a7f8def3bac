"""What solved examples suggest for a state: operations that an example made as well."""

from collections.abc import Sequence

from treewright_puzzle.arithmetic import Operation, operations
from treewright_puzzle.puzzle import find_puzzle
from treewright_puzzle.state import State, Unreadable, operations_in
from treewright_registry import Hit, as_text


def hints_for(state: State, hits: Sequence[Hit], weight: float) -> dict[Operation, float]:
    """What to add to the weights of the operations possible in ``state``.

    An example counts ``weight`` times its similarity (limited to [0, 1]) for an operation that it
    made on the same two numbers, and for one that makes a number that the example, with the same
    target, also made on its way. A hit that is no readable solution suggests nothing.
    """
    hints: dict[Operation, float] = {}
    for hit in hits:
        same, made = _suggestions(hit, state.puzzle.target)
        bonus = weight * min(max(hit.similarity, 0.0), 1.0)
        for operation in operations(state.values):
            if operation in same or operation.result in made:
                hints[operation] = hints.get(operation, 0.0) + bonus
    return hints


def _suggestions(hit: Hit, target: int) -> tuple[set[Operation], set[object]]:
    text = as_text(hit.content)
    try:
        done = operations_in(text)
    except Unreadable:
        return set(), set()
    puzzle = find_puzzle(text)
    alike = puzzle is not None and puzzle.target == target
    return set(done), {operation.result for operation in done} if alike else set()
