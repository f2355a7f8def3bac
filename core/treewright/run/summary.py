"""The figures of a run, from its records."""

from collections.abc import Mapping, Sequence
from typing import Any

from treewright.run.intervals import mean_interval, proportion, wilson
from treewright.run.records import Record
from treewright_registry import Ledger


def summarise(
    records: Sequence[Record],
    *,
    problems: int,
    seconds: float,
    interrupted: bool = False,
    references: bool = True,
    set_metrics: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of ``summary.json``.

    Accuracy counts a failed problem as wrong; a problem that ended well and has no reference is not in it, and a
    task without references has none. Metrics of single records are means over the records that have them, true/false
    metrics with Wilson's interval, numbers with a normal one that stays within the values seen. The value of each
    metric also stands at the top, under the metric's name, unless that name is taken there.

    Args:
        records: finished problems, in task order.
        problems: how many the run was asked to solve.
        seconds: wall-clock time of the run, earlier attempts included.
        interrupted: whether it was stopped before the end.
        references: whether the task knows right answers.
        set_metrics: the task's metrics of the whole set, if it has any.
    """
    n = len(records)
    summary: dict[str, Any] = {
        "n": n,
        "problems": problems,
        "failures": sum(1 for record in records if record.error is not None),
        "interrupted": interrupted,
        "failed_calls": _failed_calls(records),
    }
    metrics = {
        **(_accuracy(records) if references else {}),
        **_record_metrics(records),
        **(set_metrics or {}),
    }
    rest = {"metrics": metrics, "notes": _notes(records), "cost": _costs(records), "seconds": seconds}
    plain = {name: value["value"] for name, value in metrics.items() if isinstance(value, Mapping) and "value" in value}
    taken = {*summary, *rest}
    return {**summary, **{name: value for name, value in plain.items() if name not in taken}, **rest}


def _accuracy(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """The share of right answers among the records that are graded or failed."""
    graded = [record for record in records if record.correct is not None or record.error is not None]
    if not graded:
        return {}
    return {"accuracy": proportion([bool(record.correct) for record in graded])}


def _failed_calls(records: Sequence[Record]) -> dict[str, Any]:
    """How many calls failed, and what the first of them said."""
    first = next((reason for record in records for reason in record.failed_calls), None)
    return {"n": int(sum(record.total.get("failed_calls", 0) for record in records)), "first": first}


def _record_metrics(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    columns: dict[str, list[float]] = {}
    booleans: set[str] = set()
    for record in records:
        for name, value in record.metrics.items():
            if isinstance(value, bool):
                booleans.add(name)
            if isinstance(value, bool | int | float):
                columns.setdefault(name, []).append(float(value))
    return {name: _metric(values, name in booleans) for name, values in sorted(columns.items())}


def _notes(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Sums and means of the searches' own figures over the records that have them."""
    columns: dict[str, list[float]] = {}
    for record in records:
        for name, value in record.notes.items():
            columns.setdefault(name, []).append(value)
    return {
        name: {"sum": sum(values), "mean": sum(values) / len(values), "n": len(values)}
        for name, values in sorted(columns.items())
    }


def _metric(values: Sequence[float], proportion: bool) -> dict[str, float]:
    value, low, high = mean_interval(values)
    if proportion:
        low, high = wilson(sum(values), len(values))
    return {"value": value, "low": low, "high": high, "n": len(values)}


def _costs(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    ledger = Ledger()
    for record in records:
        ledger.add(Ledger.from_dict({role: dict(counters) for role, counters in record.cost.items()}))
    return {**ledger.as_dict(), "total": ledger.total().as_dict()}
