"""Tasks and pipelines of the domain, on real spectra."""

import json
import os
from pathlib import Path

import pytest

from treewright.configuration import load_pipeline
from treewright.run.runner import run
from treewright_chemistry.elucidate import Elucidate
from treewright_chemistry.errors import ChemistryError
from treewright_chemistry.grading import compare
from treewright_chemistry.held_out import held_out
from treewright_chemistry.measured_task import Measured, demo_cases
from treewright_chemistry.molpuzzle import MolPuzzle
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import inchikey14, parse_structure
from treewright_registry import DataError, Registry

VANILLIN = {
    "formula": "C8H8O3",
    "c13": "191.0 (1C), 151.8 (1C), 147.2 (1C), 129.8 (1C), 127.5 (1C), 114.5 (1C), 108.8 (1C), 56.1 (1C)",
    "h1": "9.83 (1H, s), 7.43 (1H, d, J = 8.5 Hz), 3.96 (3H, s)",
    "ir": "1665 (s), 3180",
    "evidence": "soft",
    "provenance": "measured",
}
needs_data = pytest.mark.skipif(
    "TREEWRIGHT_DATA" not in os.environ, reason="TREEWRIGHT_DATA does not name the development data"
)


def test_codec_gives_back_what_it_was_given() -> None:
    codec = SpectrumCodec()
    spectrum = codec.decode(VANILLIN)
    assert codec.decode(codec.encode(spectrum)) == spectrum
    for case in demo_cases():
        assert codec.decode(codec.encode(case.spectrum)) == case.spectrum


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"formula": "C8H8Xx"}, "formula: "),
        ({"formula": None}, "formula: the formula is missing. Write formula: C8H8O3."),
        ({"c13": "", "h1": ""}, "13C and 1H: the spectrum is empty. Give at least one 13C or 1H line."),
        ({"c13": "1910.0"}, "13C group 1: a shift of 1910 ppm is absurd"),
        ({"evidence": None}, "evidence: it is not said how far the counts can be trusted."),
        ({"evidence": "exact", "c13": "191.0 (9C)", "h1": ""}, "13C counts: the lines count 9 C, C8H8O3 has 8."),
        ({"nmr": "x"}, "spectrum: unknown field 'nmr'."),
        ({"ir": "strong"}, "ir band 1: 'strong' is no band."),
    ],
)
def test_wrong_spectra_are_refused_with_the_field(change: dict[str, str | None], message: str) -> None:
    with pytest.raises(ChemistryError) as raised:
        SpectrumCodec().decode({**VANILLIN, **change})
    assert str(raised.value).startswith(message)


def test_grading_ignores_stereo_and_shows_it_beside() -> None:
    verdict = compare("CC(N)C(=O)O", "C[C@H](N)C(=O)O")
    assert verdict.correct is True
    assert verdict.metrics == {"valid": True, "isomeric": False, "morgan": 1.0, "maccs": 1.0}
    assert compare("CCO", "COC").correct is False
    assert compare("not a molecule", "CCO").metrics["valid"] is False
    assert compare("C" * 10_000, "CCO").metrics["valid"] is False


def test_demonstration_compounds_are_reserved_and_match_their_formulas() -> None:
    reserved = {molecule.block for molecule in held_out() if molecule.part == "demo"}
    cases = list(demo_cases())
    assert len(cases) == 16
    for case in cases:
        assert inchikey14(parse_structure(case.smiles)) in reserved


def test_problems_carry_no_structure() -> None:
    for case, problem in zip(demo_cases(), Measured().problems(), strict=True):
        text = json.dumps([problem.prompt, dict(problem.metadata)])
        assert case.smiles not in text
        assert case.name not in text


@needs_data
def test_molpuzzle_reads_all_records_and_grades_the_truth_as_right() -> None:
    task = MolPuzzle()
    problems = task.problems()
    assert len(problems) == 137
    for case in task.cases():
        assert task.grade(case.id, case.smiles).correct


@needs_data
def test_molpuzzle_can_hide_a_nucleus_and_distrust_counts() -> None:
    prompt = MolPuzzle(nuclei="13C", evidence="soft").problems()[0].prompt
    assert isinstance(prompt, dict)
    assert "h1" not in prompt
    assert prompt["evidence"] == "soft"


def test_missing_data_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TREEWRIGHT_DATA", raising=False)
    with pytest.raises(DataError, match=r"task\.path: .*TREEWRIGHT_DATA is not set"):
        MolPuzzle().problems()
    broken = tmp_path / "records.json"
    broken.write_text('[{"id": 1, "smiles": "CCO", "formula": "C2H6O", "c13": []}]')
    with pytest.raises(DataError, match="record 1: list index out of range"):
        MolPuzzle(path=str(broken)).problems()


def test_an_input_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    for given, said in {
        "": "task.input: no file is given\n    give --input FILE, or --input - for standard input",
        str(tmp_path): f"task.input: {tmp_path}: is a folder; name a file",
        str(tmp_path / "gone.yaml"): f"task.input: {tmp_path / 'gone.yaml'}: there is no such file",
    }.items():
        with pytest.raises(DataError) as raised:
            Elucidate(input=given).problems()
        assert str(raised.value) == said


def test_wrong_input_files_are_named(tmp_path: Path) -> None:
    file = tmp_path / "unknown.yaml"
    file.write_text("formula: C8H8O3\nc13: 191.0\n")
    with pytest.raises(DataError) as raised:
        Elucidate(input=str(file)).problems()
    assert str(raised.value).startswith(f"{file}: spectrum 1: evidence: it is not said")
    file.write_text("[1, 2]")
    with pytest.raises(DataError, match="spectrum 1"):
        Elucidate(input=str(file)).problems()


def test_a_spectrum_from_a_file_is_elucidated_ranked_and_drawn(tmp_path: Path) -> None:
    file = tmp_path / "unknown.yaml"
    file.write_text("name: bottle 7\nformula: C2H4O2\nc13: 178.1, 20.8\nh1: 2.10 (3H, s)\nevidence: soft\n")
    loaded = load_pipeline(
        "chemistry/elucidate",
        Registry.load(),
        overrides=[f"task.input={file}", "budget.inner_evaluations=60", "policy.evaluations=20"],
    )
    summary = run(loaded.spec, loaded.filled, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "results.jsonl").read_text())
    assert (record["id"], record["answer"], record["correct"]) == ("bottle 7", "CC(=O)O", None)
    assert "accuracy" not in summary
    page = (tmp_path / "run" / "report.html").read_text()
    assert "CC(=O)O" in page
    assert "<svg" in page
    assert not any(word in page for word in ("src=", "href=", "@import", "<script"))  # self-contained


@pytest.mark.parametrize(
    "name", ["elucidate", "molpuzzle", "k-mse", "k-mse-cosine", "k-mse-llm", "best-of-n", "measured", "demo"]
)
def test_every_pipeline_passes_the_configuration_check(name: str) -> None:
    assert load_pipeline(f"chemistry/{name}", Registry.load()).spec.source == f"chemistry/{name}"


@pytest.mark.parametrize(("pipeline", "limit"), [("demo", 300), ("best-of-n", 300), ("k-mse", 250)])
def test_bursts_keep_to_what_the_budget_leaves(pipeline: str, limit: int, tmp_path: Path) -> None:
    overrides = ["task={use: chemistry/measured, part: demo}", f"budget.inner_evaluations={limit}"]
    loaded = load_pipeline(f"chemistry/{pipeline}", Registry.load(), overrides=overrides)
    summary = run(loaded.spec, loaded.filled, tmp_path / "run", limit=2)
    assert summary["cost"]["total"]["inner_evaluations"] <= 2 * (limit + 8)  # a burst also scores the peers it is shown
    assert summary["failures"] == 0
