"""Problems, steps and trajectories: what a policy extends, a scorer judges, a search chooses.

``Step`` is a named tuple rather than a dataclass: a search makes them by the hundred thousand.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from treewright_registry.payloads import Payload, as_text, to_json

Finish: TypeAlias = Literal["step", "stop", "length"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be solved. It holds no reference answer: only ``Task.grade`` reaches that.

    Attributes:
        id: unique within its task.
        prompt: the question as the policy sees it.
        metadata: public facts beside the prompt (a formula, a subject), never the answer.
        error: why this problem cannot be posed (a record that cannot be read); the engine then makes
            no call for it, records the error, and goes on with the others.
    """

    id: str
    prompt: Payload
    metadata: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


class Encoding(NamedTuple):
    """The very tokens of a step: text alone does not tell which ones were drawn.

    Attributes:
        vocabulary: short fingerprint of the tokenizer whose ids these are; a policy with another one
            tokenises the step's text by itself.
        ids: token ids, in order, an end-of-text token included if the policy drew one.
    """

    vocabulary: str
    ids: tuple[int, ...]


class Step(NamedTuple):
    """One move of a policy.

    Attributes:
        content: text, a list of parts, or any JSON value.
        log_probability: natural logarithm of the step's probability under the policy as sampled,
            summed over its tokens; ``None`` where the policy cannot tell.
        tokens: how many tokens the step has (0 where tokens mean nothing).
        finish: ``step`` more may follow, ``stop`` the answer is complete, ``length`` cut off.
        encoding: the tokens as drawn, where the policy has tokens and tells them; no part of a
            trajectory's ``key``, which is about content.
    """

    content: Payload
    log_probability: float | None = None
    tokens: int = 0
    finish: Finish = "step"
    encoding: Encoding | None = None


class Trajectory:
    """An immutable path from a problem through steps.

    A persistent linked structure: extending costs O(1), forks share their past. Two trajectories
    are equal only if they are the same object; compare ``key`` to compare contents.

    Attributes:
        problem: where the path begins.
        parent: the path without its last step, ``None`` at the root.
        step: the last step, ``None`` at the root.
        depth: number of steps.
        node: number of this node in the problem's trace (the root is 0).
    """

    __slots__ = ("_key", "depth", "node", "parent", "problem", "step")

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.parent: Trajectory | None = None
        self.step: Step | None = None
        self.depth = 0
        self.node = 0
        self._key: bytes | None = None

    def extend(self, step: Step, node: int = -1) -> "Trajectory":
        """The path with one more step; ``self`` is unchanged."""
        child = Trajectory.__new__(Trajectory)
        child.problem = self.problem
        child.parent = self
        child.step = step
        child.depth = self.depth + 1
        child.node = node
        child._key = None
        return child

    @property
    def finished(self) -> bool:
        """Whether the last step ended the answer (finish reason ``stop`` or ``length``)."""
        return self.step is not None and self.step.finish != "step"

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, first to last."""
        return tuple(reversed([node.step for node in self._upwards() if node.step is not None]))

    @property
    def text(self) -> str:
        """The steps' contents as text, joined without separator (the steps bring their own)."""
        return "".join(as_text(step.content) for step in self.steps)

    @property
    def log_probability(self) -> float | None:
        """Sum of the steps' log-probabilities; ``None`` if any step has none."""
        total = 0.0
        for step in self.steps:
            if step.log_probability is None:
                return None
            total += step.log_probability
        return total

    @property
    def key(self) -> bytes:
        """16 bytes that equal trajectories share: a digest of problem id and step contents."""
        pending: list[Trajectory] = []
        node: Trajectory | None = self
        while node is not None and node._key is None:
            pending.append(node)
            node = node.parent
        for node in reversed(pending):
            node._key = node._digest()
        assert self._key is not None
        return self._key

    def _digest(self) -> bytes:
        if self.parent is None or self.step is None:
            return hashlib.blake2b(self.problem.id.encode(), digest_size=16).digest()
        content = json.dumps(to_json(self.step.content), sort_keys=True).encode()
        assert self.parent._key is not None
        return hashlib.blake2b(self.parent._key + content, digest_size=16).digest()

    def _upwards(self) -> Iterator["Trajectory"]:
        node: Trajectory | None = self
        while node is not None:
            yield node
            node = node.parent

    def __repr__(self) -> str:
        return f"Trajectory({self.problem.id!r}, depth={self.depth}, text={self.text[:60]!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuilt from problem and steps: a default copy would recurse once a step."""
        return _rebuild, (self.problem, self.steps, self.node)


def _rebuild(problem: Problem, steps: tuple[Step, ...], node: int) -> Trajectory:
    trajectory = Trajectory(problem)
    for step in steps:
        trajectory = trajectory.extend(step)
    trajectory.node = node
    return trajectory
