"""Ranked structures and shift tables as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treewright_chemistry.report_page import Shown
    from treewright_chemistry.shift_table import Comparison

_MOST_SHOWN = 5


def ranking(shown: Shown) -> str:
    """The best structures with their scores, and the shifts of the first, atom by atom."""
    from treewright_chemistry.report_page import HOPELESS

    record = shown.record
    if record.error is not None:
        return unread(record)
    lines = [f"{record.id}  {shown.spectrum.formula}", "  rank  score  structure"]
    for rank, (smiles, score) in enumerate(shown.answers[:_MOST_SHOWN], start=1):
        lines.append(f"  {rank:4d}  {_number(score)}  {smiles}")
    lines.extend(["", "  shifts of rank 1, ppm", "  atom   nucleus  predicted  difference  observed"])
    lines.extend(f"  {_row(row, shown.symbols)}" for row in shown.table.rows)
    lines.extend(f"  {note}" if note == HOPELESS else f"  note: {note}" for note in shown.notes)
    return "\n".join(lines)


def unread(record: Any) -> str:
    """A line for a record without an answer."""
    return f"{record.id}: no structure ({record.error})"


def verdicts(shown: Sequence[Shown]) -> str:
    """A table of compounds: id beside the name if it has one, right or wrong, score, seconds, top answer."""
    names = _column("compound", [each.name or each.record.id for each in shown])
    named = any(each.name for each in shown)
    ids = _column("  id", [f"  {each.record.id}" for each in shown]) if named else [""] * len(names)
    lines = [f"{names[0]}{ids[0]}  verdict  score  seconds  answer"]
    for each, name, number in zip(shown, names[1:], ids[1:], strict=True):
        record = each.record
        verdict = {True: "right", False: "wrong", None: "failed"}[record.correct]
        answer = record.error if record.error is not None else record.answer
        lines.append(f"{name}{number}  {verdict:7}  {_number(record.score)}  {record.seconds:7.1f}  {answer}")
    return "\n".join(lines)


def _column(head: str, cells: Sequence[str]) -> list[str]:
    """Head and cells, padded to one width."""
    width = max(map(len, [head, *cells]))
    return [text.ljust(width) for text in [head, *cells]]


def _row(row: Comparison, symbols: Sequence[str]) -> str:
    atom = f"{symbols[row.atom]}{row.atom + 1}"
    observed = ", ".join(f"{shift:.2f}" for shift in row.lines) or "–"
    difference = f"{row.difference:+10.2f}" if row.difference is not None else "         –"
    return f"{atom:5}  {row.nucleus:7}  {row.predicted:9.2f}  {difference}  {observed}"


def _number(score: Any) -> str:
    return "    –" if score is None else f"{score:5.3f}"
