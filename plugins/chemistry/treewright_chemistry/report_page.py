"""A first, simple report page: drawings of the answers, and predicted against observed shifts.

One self-contained HTML file, drawings as inline SVG; nothing is loaded from elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.shift_table import Comparison, ShiftTable, shift_table
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum

LEAST_SCORE = 0.02
"""A first answer with less comes with a warning: of right structures less than 1 in 100 score so low."""
HOPELESS = "warning: nothing explains the spectrum: check the formula and the peak lists"
_MOST_DRAWN = 4
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
.answers { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; padding: .5rem; border: 1px solid var(--line); border-radius: 8px; background: #fff; color: #222; }
figcaption { font-size: 13px; max-width: 240px; overflow-wrap: anywhere; }
.right { color: var(--good); } .wrong, .failed { color: var(--bad); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-top: .5rem; }
th, td { padding: 1px 12px; text-align: right; } th { font-weight: 600; border-bottom: 1px solid var(--line); }
td.off { color: var(--bad); font-weight: 600; }
.note { color: #888; font-size: 13px; }
"""


@dataclass(frozen=True)
class Shown:
    """One record as shown: with its spectrum, and the name of the compound if it is known.

    Attributes:
        record: a line of ``results.jsonl``.
        spectrum: what was observed.
        name: heading; the record's id if empty.
        truth: SMILES of the true structure, if it is known.
    """

    record: Any
    spectrum: Spectrum
    name: str = ""
    truth: str = ""

    @property
    def answers(self) -> list[tuple[str, float | None]]:
        """Structures and scores, best first."""
        if self.record.answer is None:
            return []
        runners = [(str(each["answer"]), each["score"]) for each in self.record.runners_up if each["answer"]]
        return [(str(self.record.answer), self.record.score), *runners]

    @cached_property
    def table(self) -> ShiftTable:
        """Predicted and observed shifts of the first answer."""
        if not self.answers:
            return ShiftTable([], {})
        return shift_table(SpectrumFit(self.spectrum, ShiftTables.load()), Chem.MolFromSmiles(self.answers[0][0]))

    @property
    def notes(self) -> list[str]:
        """What the reader should know: a hopeless score, lines without an atom, oddities of the input."""
        notes = list(self.spectrum.warnings)
        for nucleus, shifts in self.table.unassigned.items():
            if shifts:
                notes.append(f"{nucleus}: no atom of the first structure explains {', '.join(map(_shift, shifts))}")
                if nucleus == "1H":
                    notes[-1] += " (hydrogens on N, O and S are not predicted)"
        notes.extend(self._doubts())
        return [HOPELESS, *notes] if self.hopeless else notes

    def _doubts(self) -> list[str]:
        """The atoms that the first structure explains badly, as one note."""
        rows = self.table.doubtful
        atoms = [f"{self.symbols[row.atom]}{row.atom + 1} ({row.nucleus}, {row.difference:+.1f} ppm)" for row in rows]
        return [f"far from what is predicted: {', '.join(atoms)}; a structure may be wrong there"] if atoms else []

    @property
    def hopeless(self) -> bool:
        """Whether even the first answer does not explain the spectrum."""
        score = self.record.score
        return bool(self.answers) and (self.table.far_share > 0.5 or (score is not None and score < LEAST_SCORE))

    @cached_property
    def symbols(self) -> list[str]:
        """Element symbols of the first answer's atoms."""
        return [atom.GetSymbol() for atom in Chem.MolFromSmiles(self.answers[0][0]).GetAtoms()]


def write_page(path: Path, title: str, shown: Sequence[Shown], source: str = "") -> Path:
    """Write the page to ``path``; at its foot whose spectra they are, if that is to be said."""
    sections = "\n".join(_section(each) for each in shown)
    right = sum(1 for each in shown if each.record.correct)
    known = sum(1 for each in shown if each.record.correct is not None)
    head = f"<p>{right} of {known} right</p>" if known else ""
    foot = f"<footer class='note'>source: {escape(source)}</footer>" if source else ""
    path.write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1>{head}{sections}{foot}</html>\n",
        encoding="utf-8",
    )
    return path


def _section(shown: Shown) -> str:
    record = shown.record
    heading = escape(shown.name or record.id)
    verdict = {True: "right", False: "wrong", None: ""}[record.correct]
    if record.error is not None:
        return f"<section><h2>{heading} <span class='failed'>failed</span></h2><p>{escape(record.error)}</p></section>"
    numbered = {row.atom for row in shown.table.rows}
    best = _drawing(*shown.answers[0], numbered=numbered)
    others = "".join(_drawing(smiles, score) for smiles, score in shown.answers[1:_MOST_DRAWN])
    truth = _drawing(shown.truth, None, "true structure") if record.correct is False and shown.truth else ""
    return (
        f"<section><h2>{heading} <span class='{verdict}'>{verdict}</span></h2>"
        f"<p class='note'>{escape(str(shown.spectrum.formula))}, {escape(record.id)},"
        f" {record.seconds:.1f} s, {escape(shown.spectrum.provenance)} spectra</p>"
        f"<div class='answers'>{best}{others}{truth}</div>{_table(shown)}</section>"
    )


def _drawing(smiles: str, score: float | None, label: str = "", numbered: Collection[int] = ()) -> str:
    """A figure; the atoms that the table of shifts lists carry their numbers."""
    molecule = Chem.MolFromSmiles(smiles)
    for index in numbered:
        molecule.GetAtomWithIdx(index).SetProp("atomNote", str(index + 1))
    drawer = rdMolDraw2D.MolDraw2DSVG(240, 180)
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    svg = drawer.GetDrawingText().partition("?>")[2]
    caption = label or (f"score {score:.3f}" if score is not None else "")
    return f"<figure>{svg}<figcaption>{escape(caption)}<br>{escape(smiles)}</figcaption></figure>"


def _table(shown: Shown) -> str:
    rows = "".join(_row(row, shown.symbols) for row in shown.table.rows)
    head = "<tr><th>atom<th>nucleus<th>predicted<th>expected error<th>observed<th>difference</tr>"
    notes = "".join(f"<p class='note'>{escape(note)}</p>" for note in shown.notes)
    return (
        f"<details open><summary>Shifts of the first structure, ppm</summary><table>{head}{rows}</table></details>"
        f"{notes}"
    )


def _row(row: Comparison, symbols: Sequence[str]) -> str:
    observed = ", ".join(map(_shift, row.lines)) or "–"
    difference = "–" if row.difference is None else f"{row.difference:+.2f}"
    off = row.difference is not None and abs(row.difference) > 3 * row.scale
    return (
        f"<tr><td>{symbols[row.atom]}{row.atom + 1}<td>{row.nucleus}<td>{row.predicted:.2f}<td>{row.scale:.2f}"
        f"<td>{observed}<td{' class=off' if off else ''}>{difference}</tr>"
    )


def _shift(value: float) -> str:
    return f"{value:.2f}"
