"""What a user reads at the end: table, notes, warnings, and what the page is called."""

from pathlib import Path

import pytest

from treewright.run.records import Record
from treewright_chemistry.elucidate import Elucidate
from treewright_chemistry.elucidation_text import ranking
from treewright_chemistry.measured_task import Measured
from treewright_chemistry.report_page import HOPELESS, Shown
from treewright_chemistry.spectrum_codec import SpectrumCodec

ETHANOL = {"formula": "C2H6O", "c13": "58.3, 18.4", "h1": "3.70 (2H), 1.20 (3H), 2.61 (1H)", "evidence": "soft"}
NONSENSE = {"formula": "C2H6O", "c13": "200, 150", "evidence": "soft"}


def shown(fields: dict[str, str], score: float) -> Shown:
    return Shown(Record("x", answer="CCO", score=score), SpectrumCodec().decode(fields))


def test_the_table_lists_observed_lines_last_and_what_no_atom_explains() -> None:
    text = ranking(shown(ETHANOL, 0.9)).splitlines()
    assert text[:3] == ["x  C2H6O", "  rank  score  structure", "     1  0.900  CCO"]
    assert text[5] == "  atom   nucleus  predicted  difference  observed"
    assert [line.split()[-1] for line in text[6:10]] == ["18.40", "58.30", "1.20", "3.70"]
    note = "  note: 1H: no atom of the first structure explains 2.61 (hydrogens on N, O and S are not predicted)"
    assert text[10:] == [note]


@pytest.mark.parametrize(("fields", "score"), [(NONSENSE, 0.5), (ETHANOL, 0.01)])
def test_a_hopeless_result_carries_a_warning(fields: dict[str, str], score: float) -> None:
    assert f"  {HOPELESS}" in ranking(shown(fields, score)).splitlines()
    assert HOPELESS == "warning: nothing explains the spectrum: check the formula and the peak lists"


def test_atoms_that_are_explained_badly_are_named() -> None:
    fields = {
        "formula": "C4H8O2",
        "c13": "170.9, 60.3, 21.0, 39.2",
        "h1": "4.12 (2H), 2.04 (3H), 4.6 (3H)",
        "evidence": "soft",
    }
    record = Record("x", answer="CCOC(C)=O", score=0.5)
    [doubt] = [
        line for line in ranking(Shown(record, SpectrumCodec().decode(fields))).splitlines() if "far from" in line
    ]
    assert doubt.startswith("  note: far from what is predicted: C1 (13C, +25.")
    assert doubt.endswith("; a structure may be wrong there")
    assert doubt.count("C1") == 2 and "1H, +3." in doubt
    assert "far from" not in ranking(shown(ETHANOL, 0.9))


def test_a_good_result_carries_none() -> None:
    assert HOPELESS not in ranking(shown(ETHANOL, 0.3))


def test_quoted_spectra_carry_number_source_and_licence_in_table_and_page(tmp_path: Path) -> None:
    task = Measured(part="demo")
    first, second = task.problems()[:2]
    answers = [Record(first.id, answer="CC=Cc1ccc(OC)cc1", score=0.9, correct=True), Record(second.id, error="late")]
    text = task.present(answers, tmp_path)
    table, source = text.split("\n\n")[:2]
    assert [line.split()[:2] for line in table.splitlines()[:2]] == [["compound", "id"], ["anethole", first.id]]
    assert second.id in table.splitlines()[2]
    assert first.id == "nmrshiftdb2-30001040"
    assert source.startswith("source: nmrshiftdb2 (https://nmrshiftdb.nmr.uni-koeln.de)")
    assert "nmrshiftdb2 Database License" in source
    page = (tmp_path / "report.html").read_text()
    assert f"<footer class='note'>{source}</footer>" in page
    assert f"C10H12O, {first.id}," in page


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("name: bottle 7\nformula: C2H4O2\nc13: 178.1, 20.8\nevidence: soft\n", "bottle 7"),
        ("formula: C2H4O2\nc13: 178.1, 20.8\nevidence: soft\n", "from the lab.yaml"),
        ("- {formula: C2H4O2, c13: '178.1, 20.8', evidence: soft}\n" * 2, "from the lab.yaml"),
    ],
)
def test_the_page_is_called_as_the_spectrum_or_its_file(text: str, title: str, tmp_path: Path) -> None:
    file = tmp_path / "from the lab.yaml"
    file.write_text(text)
    task = Elucidate(input=str(file))
    records = [Record(problem.id, answer="CC(=O)O", score=0.9) for problem in task.problems()]
    task.present(records, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert f"<title>{title}</title>" in page
    assert f"<h1>{title}</h1>" in page
