"""The tree that ``core/mcts`` grows: nodes, values on their way up, branches that are closed."""

from collections.abc import Sequence

from treewright_registry import Trajectory


class Node:
    """A node of the search tree. Values are from the one player's view: higher is better.

    Attributes:
        trajectory: the partial answer.
        parent: the node above, ``None`` at the root.
        prior: how much the selection rule favours it among its siblings.
        value: the scorer's value of it, scaled.
        children: in the order proposed.
        visits: simulations that went through it, and virtual ones while they are under way.
        total: sum of the values that came back.
        closed: finished, failed, or everything below is: never selected.
    """

    __slots__ = ("children", "closed", "parent", "prior", "total", "trajectory", "value", "visits")

    def __init__(self, trajectory: Trajectory, parent: "Node | None", prior: float, value: float) -> None:
        self.trajectory = trajectory
        self.parent = parent
        self.prior = prior
        self.value = value
        self.children: Sequence[Node] = ()
        self.visits = 0
        self.total = 0.0
        self.closed = False


def back_up(node: Node, visits: int, total: float) -> None:
    """Add visits and their values to the node and all above it."""
    walker: Node | None = node
    while walker is not None:
        walker.visits += visits
        walker.total += total
        walker = walker.parent


def close(node: Node) -> None:
    """Close ``node`` if nothing open is left below it, and then its ancestors likewise."""
    walker: Node | None = node
    while walker is not None:
        for child in walker.children:  # a loop, not all(): it ends at the first child, and is the usual case
            if not child.closed:
                return
        walker.closed = True
        walker = walker.parent


def suspend(leaf: Node, loss: int) -> None:
    """Its children are being proposed: visits of value 0 on its path, and not to be selected again."""
    close(leaf)
    back_up(leaf, loss, 0.0)


def resume(leaf: Node, loss: int) -> None:
    """Take the virtual visits back, and open the path again: it was open when the leaf was selected."""
    back_up(leaf, -loss, 0.0)
    walker: Node | None = leaf
    while walker is not None:
        walker.closed = False
        walker = walker.parent
