"""Models and knowledge of one's own in the embedded policy and the scorer: retrieved fragments, trained tables."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from treewright.configuration import load_pipeline
from treewright_chemistry.assembly_policy import Assembly
from treewright_chemistry.errors import StructureError, TableError
from treewright_chemistry.model_files import read_arrays, write_arrays
from treewright_chemistry.retrieved_fragments import TYPICAL_COUNT, windows_of
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum_fit_scorer import SpectrumFitScorer
from treewright_chemistry.structures import constitution, parse_structure
from treewright_chemistry.substructure_file import shipped_substructures
from treewright_chemistry.unknowns import Unknowns
from treewright_registry import (
    ConfigurationError,
    Context,
    Hit,
    Problem,
    ProposeRequest,
    Registry,
    ScoreRequest,
    Step,
    Trajectory,
)

DATA = Path(str(resources.files("treewright_chemistry").joinpath("data")))
FUROFURYL = "*c1coc2ccoc12"
"""Furo[3,2-b]furan with one open place; no shipped substructure."""
ACID = constitution(parse_structure("OC(=O)c1coc2ccoc12"))


def expected_lines(smiles: str) -> str:
    """The lines that the tables expect, so that the tests do not hang on how well they know fused rings."""
    mean = ShiftTables.load(network=False).predict(parse_structure(smiles)).carbon.mean
    return ", ".join(f"{shift:.1f}" for shift in sorted(mean))


UNKNOWN = {"formula": "C7H4O4", "c13": expected_lines(ACID), "evidence": "soft"}


def asked(*hits: str, seed: int = 1, n: int = 5) -> ProposeRequest:
    context = Context(hits=tuple(Hit(smiles, "", 1.0) for smiles in hits))
    return ProposeRequest(Trajectory(Problem("x", UNKNOWN)), n=n, seed=seed, context=context)


def proposed(policy: Assembly, *hits: str) -> list[str]:
    [proposals] = policy.propose([asked(*hits)])
    return [str(step.content) for step in proposals.steps]


def test_a_retrieved_substructure_that_is_not_shipped_becomes_a_fragment() -> None:
    assert FUROFURYL not in {each.smiles for each in shipped_substructures()}
    unknowns = Unknowns((), network=False)
    kit = unknowns.kit(unknowns.of(UNKNOWN), [FUROFURYL, "*C(=O)O", FUROFURYL])
    assert kit is not None
    ring, acid = sorted(kit.fragments, key=lambda fragment: -len(fragment.elements))
    assert (ring.elements, ring.unsaturation) == ((6, 6, 8, 6, 6, 6, 8, 6), 5)
    assert (ring.marked, ring.free) == ((1, 0, 0, 0, 0, 0, 0, 0), (1, 1, 0, 0, 1, 1, 0, 0))
    assert (len(ring.windows), ring.prior) == (6, TYPICAL_COUNT**0.5 * 11.0)
    assert (acid.elements, acid.unsaturation, acid.marked) == ((6, 8, 8), 1, (1, 0, 0))


def test_windows_come_from_the_shift_tables_and_widen_at_open_places() -> None:
    tables = ShiftTables.load(network=False)
    windows = windows_of(parse_structure("*CCCC"), tables)
    assert [window.atom for window in windows] == [0, 1, 2, 3]
    expected = tables.predict(parse_structure("*CCCC"))
    assert [window.mean for window in windows] == np.round(expected.carbon.mean, 1).tolist()
    assert windows[0].spread > 3 * windows[3].spread


def test_the_policy_assembles_from_retrieved_fragments_that_are_not_shipped() -> None:
    policy = Assembly(evaluations=150, fragments="retrieved", islands=1)
    assert ACID in proposed(policy, FUROFURYL)
    for fragments in ("retrieved", "shipped", "none"):
        assert ACID not in proposed(Assembly(evaluations=150, fragments=fragments, islands=1))  # type: ignore[arg-type]


def test_retrieved_and_shipped_fragments_go_together() -> None:
    unknowns = Unknowns(shipped_substructures(), network=False)
    unknown = unknowns.of(UNKNOWN)
    both = unknowns.kit(unknown, [FUROFURYL, "*C(=O)O"], shipped=True)
    assert both is not None and unknown.kit is not None
    more = {each.smiles for each in both.fragments} - {each.smiles for each in unknown.kit.fragments}
    assert more == {FUROFURYL}
    assert len({each.smiles for each in both.fragments}) == len(both.fragments)
    assert ACID in proposed(Assembly(evaluations=150, fragments="retrieved-and-shipped", islands=1), FUROFURYL)


@pytest.mark.parametrize("fragments", ["retrieved", "retrieved-and-shipped"])
def test_retrieved_fragments_without_a_retriever_are_a_mistake_in_the_configuration(fragments: str) -> None:
    settings = [f"policy.fragments={fragments}"]
    with pytest.raises(ConfigurationError, match="'chemistry/assembly' needs a retriever in role 'retriever'"):
        load_pipeline("chemistry/molpuzzle", Registry.load(), overrides=settings)
    load_pipeline("chemistry/k-mse", Registry.load(), overrides=settings)


@pytest.mark.parametrize(
    ("pipeline", "setting", "repair"),
    [
        ("chemistry/k-mse", "search.hits=0", "search 'core/self-refine-mcts' does not with hits: 0\n *set search.hits"),
        ("chemistry/k-mse", "search={use: core/islands, hits: 0}", "search 'core/islands' does not with hits: 0"),
        ("chemistry/k-mse", "search={use: core/sample, n: 4}", "search 'core/sample' does not\n *take a search"),
    ],
)
def test_retrieved_fragments_in_a_search_that_retrieves_nothing_are_a_mistake_too(
    pipeline: str, setting: str, repair: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"nothing calls one: {repair}"):
        load_pipeline(pipeline, Registry.load(), overrides=[setting])
    load_pipeline(pipeline, Registry.load(), overrides=[setting, "policy.fragments=shipped"])


def test_a_retrieved_record_that_is_no_structure_is_named() -> None:
    with pytest.raises(StructureError, match="retrieved record 'a word'"):
        proposed(Assembly(evaluations=50, fragments="retrieved"), "a word")


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """The shipped tables, every 13C shift 10 ppm higher."""
    for name in ("shifts.npz", "shift_network.npz", "commonness.npz"):
        shutil.copy(DATA / name, tmp_path / name)
        shutil.copy(DATA / f"{name}.sha256", tmp_path / f"{name}.sha256")
    arrays = read_arrays(tmp_path / "shifts.npz")
    arrays["carbon_mean"] = arrays["carbon_mean"] + np.int16(1000)
    write_arrays(tmp_path / "shifts.npz", arrays)
    return tmp_path


def test_scorer_and_policy_use_tables_of_ones_own(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    high = {"formula": "C2H6O", "c13": "68.1, 28.2", "evidence": "soft"}
    ethanol = Trajectory(Problem("x", high)).extend(Step("CCO", finish="stop"))
    monkeypatch.setenv("MODELS", str(tables.parent))
    own, shipped = (
        SpectrumFitScorer(cosine=False, tables=folder).score([ScoreRequest(ethanol, seed=0)])[0].value
        for folder in (f"$MODELS/{tables.name}", "")
    )
    assert own > shipped + 0.1
    Assembly(tables=str(tables))


@pytest.mark.parametrize("name", ["shifts.npz", "shift_network.npz", "commonness.npz.sha256"])
def test_an_incomplete_folder_is_refused_and_tells_what_is_missing(tables: Path, name: str) -> None:
    (tables / name).unlink()
    with pytest.raises(TableError) as caught:
        SpectrumFitScorer(tables=str(tables))
    assert str(caught.value) == (
        f"tables: {tables}: incomplete: it has no {name}. "
        "Give the folder of a finished `treewright train chemistry/shifts --out FOLDER`."
    )


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="there is no such folder"):
        Assembly(tables=str(tmp_path / "gone"))


def test_the_policy_needs_no_network(tables: Path) -> None:
    (tables / "shift_network.npz").unlink()
    Assembly(tables=str(tables))
