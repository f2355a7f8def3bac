"""One line of ``results.jsonl`` for each problem."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from treewright_registry import JSON


@dataclass(frozen=True, slots=True)
class Record:
    """What came of one problem.

    Attributes:
        id: the problem's id.
        answer: the final answer, ``None`` if there is none.
        correct: what the task says of it; ``None`` after an error, or without a reference.
        metrics: the task's further figures of this record.
        score: the score at which the search offered the answer.
        runners_up: the next answers, best first: ``{"answer": …, "score": …}``.
        cost: role → counter → value.
        error: why there is no answer, ``None`` if there is one.
        failed_calls: calls that failed on the way, each as text (the first few).
        seconds: wall-clock time from the problem's start to its end.
        notes: figures of the whole search by name, where the search notes any.
    """

    id: str
    answer: JSON = None
    correct: bool | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    runners_up: tuple[Mapping[str, Any], ...] = ()
    cost: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    error: str | None = None
    failed_calls: tuple[str, ...] = ()
    seconds: float = 0.0
    notes: Mapping[str, float] = field(default_factory=dict)

    def to_line(self) -> str:
        """The record as one line of JSON."""
        return json_line(asdict(self), allow_nan=False)

    @classmethod
    def from_line(cls, line: str) -> "Record":
        """The record that ``to_line`` wrote."""
        data = json.loads(line)
        for name in ("runners_up", "failed_calls"):
            data[name] = tuple(data[name])
        return cls(**data)

    @property
    def total(self) -> Mapping[str, float]:
        """Cost counters summed over roles."""
        total: dict[str, float] = {}
        for counters in self.cost.values():
            for name, value in counters.items():
                total[name] = total.get(name, 0) + value
        return total


def json_line(value: Any, *, allow_nan: bool = True) -> str:
    """JSON that can be written as UTF-8: readable, or escaped where a tokenizer has cut a character in two."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=allow_nan)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=allow_nan)
    return line
