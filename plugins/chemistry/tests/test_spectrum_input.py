"""What files of users may look like, and what is said of those that cannot be read."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from treewright_chemistry.elucidate import Elucidate
from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.spectrum_entry import field_of
from treewright_chemistry.spectrum_input import read_entries
from treewright_registry import DataError

VANILLIN = {
    "name": "bottle 7",
    "formula": "C8H8O3",
    "c13": "191.0, 151.8, 147.2",
    "h1": "9.83 (1H, s), 7.43 (1H, d, J = 8.5 Hz)",
    "evidence": "soft",
}
FORMS = {
    "YAML": """
        name: bottle 7
        formula: C8H8O3
        c13: 191.0, 151.8, 147.2
        h1: 9.83 (1H, s), 7.43 (1H, d, J = 8.5 Hz)
        evidence: soft
    """,
    "YAML with lists": """
        # measured in CDCl3
        - id: bottle 7
          molecular formula: C8H8O3
          13C NMR (101 MHz): [191.0, 151.8, 147.2]
          ¹H:
          - 9.83 (1H, s)
          - "7.43 (1H, d, J = 8.5 Hz)"
          evidence: soft
    """,
    "JSON": """{"name": "bottle 7", "formula": "C8H8O3", "c13": [191.0, 151.8, 147.2],
        "h1": "9.83 (1H, s), 7.43 (1H, d, J = 8.5 Hz)", "ir": null, "evidence": "soft"}""",
    "plain text": """
        C8H8O3
        name: bottle 7
        13C NMR (101 MHz, CDCl3): δ 191.0, 151.8,
            147.2
        1H-NMR (400 MHz, CDCl3) δ 9.83 (1H, s), 7.43 (1H, d, J = 8.5 Hz)
        evidence: soft
    """,
}
JCAMP = """##TITLE= bottle 7
##JCAMP-DX= 5.00
##DATA TYPE= NMR PEAK TABLE
##.OBSERVE NUCLEUS= ^{nucleus}
##XUNITS= PPM
##PEAK TABLE= (XY..XY)
{peaks}
##END=
"""
CARBON = JCAMP.format(nucleus="13C", peaks="191.0, 1 151.8, 1\n147.2, 1")
PROTON = JCAMP.format(nucleus="1H", peaks="9.83, 1 7.43, 1")
LINK = "##TITLE= vanillin\n##DATA TYPE= LINK\n##BLOCKS= 2\n##MOLFORM= C8 H8 O3\n"


def dedented(text):
    lines = text.strip("\n").splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[indent:] for line in lines)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_reads_as_the_same_spectrum(form):
    [entry] = read_entries(dedented(FORMS[form]).encode())
    assert (entry.error, entry.name) == ("", "bottle 7")
    assert " ".join(entry.payload.pop("c13").split()) == VANILLIN["c13"]
    assert {**entry.payload, "c13": VANILLIN["c13"], "name": entry.name} == VANILLIN


def test_jcamp_tables_of_one_compound_belong_together_and_a_repeated_nucleus_begins_the_next():
    first, second = read_entries((CARBON + PROTON + CARBON).encode())
    assert first.payload == {"c13": "191.0, 151.8, 147.2", "h1": "9.83, 7.43"}
    assert (first.name, second.payload) == ("bottle 7", {"c13": "191.0, 151.8, 147.2"})


def test_a_jcamp_link_block_gives_title_and_formula():
    [entry] = read_entries((LINK + CARBON + PROTON + "##END=\n").encode())
    assert (entry.name, entry.payload["formula"]) == ("vanillin", "C8 H8 O3")


def test_jcamp_may_be_latin_1_and_other_files_may_not():
    [entry] = read_entries(CARBON.replace("bottle 7", "Flasche für 7").encode("latin-1"))
    assert entry.name == "Flasche für 7"
    with pytest.raises(SpectrumError, match="input: not a text in UTF-8"):
        read_entries("name: für 7".encode("latin-1"))


def test_scalars_stay_the_text_that_stands_there():
    yes, no = read_entries(b"- {formula: NO, name: 7}\n- {formula: CO2, c13: 1e3}")
    assert (yes.payload["formula"], yes.name, no.payload["c13"]) == ("NO", "7", "1e3")


@pytest.mark.parametrize(
    ("label", "field"),
    [("13C NMR (101 MHz)", "c13"), ("C-NMR", "c13"), ("C13", "c13"), ("1H", "h1"), ("H-NMR spectrum", "h1"),
     ("IR (KBr)", "ir"), ("Molecular formula", "formula"), ("Evidence", "evidence"), ("31P NMR", "31p nmr")],
)  # fmt: skip
def test_labels_name_their_field(label, field):
    assert field_of(label) == field


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "input: the file is empty."),
        (b"\xef\xbb\xbf \n", "input: the file is empty."),
        (b"[]", "input: the file holds no spectrum."),
        (b"formula: [C8H8O3", "input: not a YAML, JSON, JCAMP-DX or plain peak list:"),
        (b"[" * 100_000, "input: nested too deeply."),
        (b"##TITLE= x\n##DATA TYPE= LINK\n##END=\n", "JCAMP-DX: there is no block with data."),
    ],
)
def test_files_that_hold_nothing_are_refused(content, message):
    with pytest.raises(SpectrumError) as caught:
        read_entries(content)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"just words", "'just words' is no spectrum."),
        (b"- {c13: {a: 1}}", "c13: neither a text nor a list of shifts."),
        (b"- {c13: 20, 13C: 30}", "c13: given twice"),
        (b"C2H6O\nwhat is it?", "'what is it?' is neither a formula nor a labelled list."),
        (b"C2H6O\n13C: 18\n13C: 58", "c13: given twice."),
        (CARBON.replace("147.2, 1", "147.2").encode(), "JCAMP-DX PEAK TABLE: the table does not hold groups"),
        (CARBON.replace("^13C", "^31P").encode(), "JCAMP-DX .OBSERVE NUCLEUS: nucleus '^31P' is neither"),
        (b"##TITLE= raw\n##DATA TYPE= NMR SPECTRUM\n##XYDATA= (X++(Y..Y))\n1 2\n", "JCAMP-DX: there is no PEAK TABLE"),
    ],
)
def test_entries_that_cannot_be_read_say_why(content, message):
    [entry] = read_entries(content)
    assert entry.error.startswith(message)


def test_aliases_cannot_blow_up():
    bomb = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % ((letter, letter) + (letter - 1,) * 9)
        for letter in range(ord("b"), ord("j"))
    )
    [entry] = read_entries(bomb)
    assert entry.error.startswith("b: neither a text nor a list of shifts")


def test_aliases_of_lists_of_lists_cannot_blow_up_either():
    lists = ["- &a0 [x,x,x,x,x,x,x,x,x]"]
    lists += [f"- &a{level} [{','.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    entries = read_entries("\n".join(lists).encode())
    assert [entry.error.partition(".")[0] for entry in entries] == ["a list is no spectrum"] * 9


def problems_of(tmp_path, content, **options):
    file = tmp_path / "input"
    file.write_text(content)
    return Elucidate(input=str(file), **options).problems()


def test_evidence_and_formula_of_a_whole_file_can_be_options(tmp_path):
    [problem] = problems_of(tmp_path, CARBON + PROTON, evidence="soft", formula="C8H8O3")
    assert (problem.id, problem.error) == ("bottle 7", None)
    assert problem.prompt == {
        "formula": "C8H8O3", "c13": "191.0, 151.8, 147.2", "h1": "9.83, 7.43", "evidence": "soft",
        "provenance": "unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "field", "setting"),
    [
        ({"evidence": "soft"}, "formula", "task.formula=C8H8O3"),
        ({"formula": "C8H8O3"}, "evidence", "task.evidence=soft"),
    ],
)
def test_what_a_file_does_not_say_is_not_guessed(tmp_path, options, field, setting):
    with pytest.raises(DataError) as raised:
        problems_of(tmp_path, CARBON, **options)
    assert f"spectrum bottle 7: {field}: " in str(raised.value)
    assert str(raised.value).endswith(f"Or for the whole file: --set {setting}")


def test_an_entry_keeps_its_own_evidence(tmp_path):
    [problem] = problems_of(tmp_path, "{formula: CO2, c13: 124.2 (1C), evidence: exact}", evidence="soft")
    assert problem.prompt["evidence"] == "exact"


def test_equal_names_are_told_apart(tmp_path):
    entry = "- {name: x, formula: CO2, c13: 124.2, evidence: soft}\n"
    assert [problem.id for problem in problems_of(tmp_path, entry * 3)] == ["x", "x (2)", "x (3)"]


def test_the_examples_of_the_readme_are_read():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    as_yaml = readme.partition("```yaml\n")[2].partition("```")[0]
    as_text = readme.partition("task.formula=C8H8O3`.\n\n")[2].partition("\n\n- JCAMP")[0]
    codec = SpectrumCodec()
    for content, carbons, protons in ((as_yaml, 8, 6), (dedented(as_text), 8, 3)):
        [entry] = read_entries(content.encode())
        assert entry.error == ""
        spectrum = codec.decode(entry.payload)
        assert (str(spectrum.formula), len(spectrum.carbon), len(spectrum.proton)) == ("C8H8O3", carbons, protons)
        assert (spectrum.evidence, spectrum.warnings) == ("soft", ())


def test_a_measured_list_that_holds_more_than_the_formula_is_kept_with_a_note():
    spectrum = SpectrumCodec().decode({"formula": "CO2", "c13": "124.2, 77.0", "h1": "7.26 (1H)", "evidence": "soft"})
    assert spectrum.warnings == (
        "13C: the list holds at least 2 C, CO2 has 1",
        "1H: the list holds at least 1 H, CO2 has 0",
    )


@pytest.mark.parametrize(
    "text",
    [
        "1H NMR (400 MHz, CDCl3) δ 8.05 – 7.98 (m, 2H), 1.39 (t, J = 7.1 Hz, 3H).\nevidence: soft\n",
        "¹³C NMR (DMSO-d6, 75 MHz): δ = 167.5 (C=O), 23.7 (CH3) ppm.\nevidence: soft\n",
        "13C NMR (101 MHz): 191.0, 20.1\nevidence: soft\n",
    ],
)
def test_a_text_without_a_formula_is_told_so(text, tmp_path):
    file = tmp_path / "paper.txt"
    file.write_text(text)
    with pytest.raises(DataError) as caught:
        Elucidate(input=str(file)).problems()
    assert str(caught.value) == (
        f"{file}: spectrum 1: formula: the formula is missing. Write formula: C8H8O3."
        " Or for the whole file: --set task.formula=C8H8O3"
    )
    assert Elucidate(input=str(file), formula="C9H10O2").problems()[0].error is None


def test_assignments_of_a_paper_become_a_note():
    spectrum = SpectrumCodec().decode({"formula": "C3H6O", "c13": "206.6 (C=O), 30.8 (COCH3)", "evidence": "soft"})
    assert spectrum.warnings == ("texts in parentheses that were not read: C=O, COCH3",)
    assert SpectrumCodec().decode(SpectrumCodec().encode(spectrum)) == spectrum


PAPER = """4-Hydroxy-3-methoxybenzaldehyde (7). White solid.
C8H8O3
1H NMR (500 MHz, CDCl3) δ 9.82 (s, 1H), 7.45 – 7.39 (m, 2H), 7.04 (d, J = 8.5 Hz,
1H), 6.37 (s, 1H), 3.96
(s, 3H).
13C{1H} NMR (126 MHz, CDCl3): δ 191.1, 151.8, 147.3, 129.9, 127.7, 114.5,
108.9, 56.2.
IR (KBr): νmax 3180 (br), 1665 (s), 1590 cm–1.
HRMS
HRMS (ESI) calcd for C8H9O3 153.0546, found 153.0545.
"""
PAPER_NOTE = (
    "lines that were passed over: '4-Hydroxy-3-methoxybenzaldehyde (7). Wh…'; 'HRMS';"
    " 'HRMS (ESI) calcd for C8H9O3 153.0546, f…'"
)


def test_an_experimental_part_is_read_and_what_is_passed_over_is_told(tmp_path):
    [entry] = read_entries(PAPER.encode())
    assert (entry.error, entry.notes) == ("", (PAPER_NOTE,))
    spectrum = SpectrumCodec().decode({**entry.payload, "evidence": "soft"})
    assert (str(spectrum.formula), len(spectrum.carbon), len(spectrum.proton)) == ("C8H8O3", 8, 5)
    assert (spectrum.proton[2].count, spectrum.proton[4].count) == (1, 3)
    assert [(band.wavenumber, band.strength) for band in spectrum.infrared] == [(3180, "br"), (1665, "s"), (1590, "")]
    assert spectrum.warnings == ()


def test_notes_of_a_file_reach_the_result(tmp_path):
    file = tmp_path / "paper.txt"
    file.write_text(PAPER)
    task = Elucidate(input=str(file), evidence="soft")
    [problem] = task.problems()
    record = SimpleNamespace(id=problem.id, error=None, answer="COc1cc(C=O)ccc1O", score=0.9, runners_up=[],
                             correct=None, seconds=1.0)  # fmt: skip
    assert f"  note: {PAPER_NOTE}" in task.present([record], tmp_path).splitlines()


def test_several_compounds_of_a_paper_are_told_apart():
    first, second = read_entries(f"{PAPER}\nEthanol (8).\nC2H6O\n13C NMR (126 MHz, CDCl3): δ 57.7, 18.3\n".encode())
    assert (first.payload["formula"], second.payload) == ("C8H8O3", {"formula": "C2H6O", "c13": "57.7, 18.3"})


@pytest.mark.parametrize(
    ("line", "listed"),
    [("108.9, 56.2", 3), ("108.9 and 56.2 (OCH3).", 3), ("(2C), 56.2", 2), ("56.2", 2), ("2,4-Dimethylphenol", 1),
     ("4-Hydroxybenzaldehyde (8).", 1), ("19F NMR (376 MHz, CDCl3) δ –110.2.", 1), ("MS (EI) 152", 1)],
)  # fmt: skip
def test_a_list_goes_on_in_lines_of_shifts_only(line, listed):
    [entry] = read_entries(f"C8H8O3\n13C NMR: 191.1\n{line}".encode())
    spectrum = SpectrumCodec().decode({**entry.payload, "evidence": "soft"})
    assert len(spectrum.carbon) == listed
    assert bool(entry.notes) == (listed == 1)


def test_yaml_may_tell_solvent_and_frequency(tmp_path):
    content = "formula: CO2\nc13: 124.2\nevidence: soft\nsolvent: CDCl3\nFrequency (MHz): 101\n"
    [problem] = problems_of(tmp_path, content)
    assert (problem.error, problem.prompt["c13"]) == (None, "124.2")


def test_yaml_with_an_unknown_field_is_not_taken_for_a_paper():
    [entry] = read_entries(b"- name: x\n  13C NMR: 20\n  colour: red\n")
    assert entry.payload == {"c13": "20", "colour": "red"}


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_tells_the_coding(coding):
    [entry] = read_entries(dedented(FORMS["YAML"]).encode(coding))
    assert entry.fields == VANILLIN


@pytest.mark.parametrize(
    "label",
    ["13C NMR (101 MHz, CDCl3): δ ", "13C NMR (101 MHz, CDCl3) δ = ", "13C NMR (101 MHz, CDCl3) ", "¹³C{¹H} NMR ",
     "13C NMR: ", "δC (101 MHz; CDCl3) ", "δ_C (101 MHz): "],
)  # fmt: skip
def test_lists_of_papers_begin_in_several_ways(label):
    [entry] = read_entries(f"Compound 7\n{label}191.0, 56.1 (OCH3)\nδH (400 MHz; CDCl3) 9.83 (1 H, s)\n".encode())
    assert entry.payload == {"c13": "191.0, 56.1 (OCH3)", "h1": "9.83 (1 H, s)"}
    assert entry.notes == ("lines that were passed over: 'Compound 7'",)
