"""What solved examples suggest for a state: steps towards an example's last one."""

from collections.abc import Sequence

from treewright_puzzle.arithmetic import Operation, after, operations
from treewright_puzzle.puzzle import find_puzzle
from treewright_puzzle.state import State, Unreadable, operations_in
from treewright_registry import Hit, as_text


def hints_for(state: State, hits: Sequence[Hit], weight: float) -> dict[Operation, float]:
    """What to add to the weights of the operations possible in ``state``.

    Only examples with the same target count. Each adds ``weight`` times its similarity (limited
    to [0, 1]) to the operations that make a number which its own winning operation combined
    (12 for ``12 * 2 = 24``) while the other one (2) is left, and to that winning operation
    itself. A hit that is no readable solution suggests nothing.
    """
    hints: dict[Operation, float] = {}
    for hit in hits:
        bonus = weight * min(max(hit.similarity, 0.0), 1.0)
        for winning in _winning_operations(hit, state.puzzle.target):
            for operation in operations(state.values):
                if operation == winning or _prepares(operation, winning, state):
                    hints[operation] = hints.get(operation, 0.0) + bonus
    return hints


def _prepares(operation: Operation, winning: Operation, state: State) -> bool:
    if operation.result not in (winning.left, winning.right):
        return False
    left = after(state.values, operation)
    twice = 1 + (winning.left == winning.right)
    return left.count(winning.left) >= twice and winning.right in left


def _winning_operations(hit: Hit, target: int) -> list[Operation]:
    text = as_text(hit.content)
    puzzle = find_puzzle(text)
    if puzzle is None or puzzle.target != target:
        return []
    try:
        return [operation for operation in operations_in(text) if operation.result == target]
    except Unreadable:
        return []
