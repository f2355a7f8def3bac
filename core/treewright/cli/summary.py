"""The end of a run in words: a small table, the failed problems, the folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treewright.run.records import Record

_SHOWN_FAILURES = 5
_SHOWN_COUNTERS = (
    "candidates",
    "reward_calls",
    "generated_tokens",
    "prompt_tokens",
    "scored_tokens",
    "inner_evaluations",
)


def report(name: str, summary: Mapping[str, Any], out: Path, failures: Sequence[Record]) -> str:
    """The table that ends a run."""
    rows = [("problems", _problems(summary))]
    rows += [(str(metric), _interval(value)) for metric, value in summary.get("metrics", {}).items()]
    rows += _costs(summary.get("cost", {}).get("total", {}))
    failed = summary.get("failed_calls") or {}
    if failed.get("n"):
        rows.append(("failed calls", f"{count(failed['n'])}  (first: {failed.get('first')})"))
    rows.append(("time", duration(summary.get("seconds"))))
    if summary.get("failures"):
        rows.append(("failed", str(summary["failures"])))
    rows.append(("folder", str(out)))
    width = max(len(label) for label, _ in rows)
    return "\n".join([name, *(f"  {label:{width}}  {value}" for label, value in rows), *_failed(failures)])


def _problems(summary: Mapping[str, Any]) -> str:
    n, asked = summary["n"], summary.get("problems", summary["n"])
    return str(n) if n == asked else f"{n} of {asked}"


def _failed(failures: Sequence[Record]) -> list[str]:
    lines = [f"  {record.id}: {' '.join((record.error or '').split())}" for record in failures[:_SHOWN_FAILURES]]
    if len(failures) > _SHOWN_FAILURES:
        lines.append(f"  and {len(failures) - _SHOWN_FAILURES} more, see results.jsonl")
    return ["failed problems:", *lines] if lines else []


def _costs(total: Mapping[str, float]) -> list[tuple[str, str]]:
    """Counters that are not zero."""
    return [(name.replace("_", " "), count(total[name])) for name in _SHOWN_COUNTERS if total.get(name)]


def _interval(value: Any) -> str:
    if not isinstance(value, Mapping):
        return _number(value)
    text = _number(value.get("value"))
    if value.get("low") is None or value.get("high") is None:
        return text
    return f"{text}  (95 %: {_number(value['low'])} to {_number(value['high'])})"


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def count(value: float) -> str:
    """A count with thousands separated."""
    return f"{round(value):,}"


def duration(seconds: float | None) -> str:
    """Seconds in words: ``3.2 s``, ``4 min 05 s``, ``2 h 03 min``."""
    seconds = seconds or 0.0
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
