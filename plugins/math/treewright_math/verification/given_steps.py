"""Policy ``math/given-steps``: writes the solution that the problem brings with it, step by step."""

from collections.abc import Sequence

from treewright_registry import CallFailed, Problem, Proposals, ProposeRequest, Step

KEY = "steps"
"""Where a problem's metadata hold the given steps."""


class GivenSteps:
    """Replays given steps; how many are asked for and which seed make no difference.

    Args:
        separator: stands after each step but the last, as the reward model expects it between steps.
    """

    def __init__(self, *, separator: str = "\n\n") -> None:
        self._separator = separator

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        """The next given step for each request; with sampling unit ``end`` all that are left, as one.

        Raises:
            CallFailed: the problem has no steps, or all of them have been written.
        """
        return [Proposals([self._next(request)]) for request in requests]

    def _next(self, request: ProposeRequest) -> Step:
        steps = given_steps(request.trajectory.problem)
        written = request.trajectory.depth
        if written >= len(steps):
            raise CallFailed(f"problem '{request.trajectory.problem.id}' has only {len(steps)} steps")
        if request.sampling.unit == "end":
            return Step(self._separator.join(steps[written:]), finish="stop")
        last = written == len(steps) - 1
        return Step(steps[written] + ("" if last else self._separator), finish="stop" if last else "step")


def given_steps(problem: Problem) -> Sequence[str]:
    """The steps of a problem.

    Raises:
        CallFailed: it has none.
    """
    steps: Sequence[str] | None = problem.metadata.get(KEY)
    if not steps:
        raise CallFailed(f"problem '{problem.id}' holds no given steps; use a task of step verification")
    return steps
