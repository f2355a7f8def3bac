"""Searching ``chemistry/substructures``: by substructure as a plain loop finds, by spectrum as the encoder ranks."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from rdkit import Chem
from tests.cli.process import treewright

from treewright.cli.main import main
from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.encoder_queries import element_counts_of
from treewright_chemistry.encoder_retriever import EncoderRetriever
from treewright_chemistry.knowledge_base import Substructures
from treewright_chemistry.knowledge_queries import OpenedKnowledge, spectrum_of
from treewright_chemistry.molecule_library import MoleculeLibrary, MoleculeSpool, write_library
from treewright_chemistry.smiles_lists import SmilesLine
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.substructure_harvest import Harvester, HarvestSettings
from treewright_chemistry.substructure_knowledge import is_closed_book
from treewright_chemistry.substructure_records import load_substructures
from treewright_knowledge import Description, KnowledgeStore, Record, StoreBuilder
from treewright_registry import DataError, KnowledgeBuild, RetrieveRequest

MOLECULES = [
    "CCOc1ccccc1", "CC(=O)Nc1ccccc1", "CS(=O)(=O)c1ccc(Cl)cc1", "CCO", "c1ccccc1", "O=[N+]([O-])c1ccccc1",
    "CCOCC", "c1ccc2[nH]ccc2c1", "CCCc1ccc2[nH]ccc2c1", "CC(=O)OCC", "CCN(CC)CC", "C1CC2CCC1CC2", "OCC1CCCCC1",
    "O=Cc1ccc(O)c(OC)c1", "N#Cc1ccccc1", "C[Si](C)(C)C#C", "O=C1CCCN1", "CC(C)(C)OC(=O)NCC", "COc1ccc(Br)cc1",
    "FC(F)(F)c1ccncc1", "CSCC(N)=O", "OC(=O)c1ccccc1O", "c1ccoc1", "Cc1ccsc1", "O=C1c2ccccc2C(=O)N1C", "CCO",
]  # fmt: skip
SPECTRUM = "formula=C9H10O2; c13=171.0, 150.7, 129.4, 125.7, 121.5, 60.1, 14.2; evidence=soft"


def build(folder, **options):
    source = folder / "list.smi"
    source.write_text("\n".join(MOLECULES) + "\n")
    order = KnowledgeBuild((source,), folder / "kb", "chemistry/substructures", {}, "2026-01-31", lambda *_: None)
    Substructures(**{"least": 1, "exclude": False} | options).build(order)
    return folder / "kb"


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return build(tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def base(full):
    return Substructures()


def with_pattern(pattern):
    """The molecules that contain a pattern, smallest first, then in the order of the list: by a plain loop."""
    query = Chem.MolFromSmarts(pattern)
    mols = [Chem.MolFromSmiles(smiles) for smiles in dict.fromkeys(MOLECULES)]
    found = [mol for mol in mols if mol.HasSubstructMatch(query)]
    return [Chem.MolToSmiles(mol) for mol in sorted(found, key=lambda mol: mol.GetNumHeavyAtoms())]


@pytest.mark.parametrize(
    "pattern",
    ["c1ccccc1", "[OX2H1]", "C=O", "[R2]", "[r5]", "[#7;H1]", "[CH3]C", "S(=O)(=O)", "[N+](=O)[O-]", "[Si]", "[X4;R]",
     "*", "c:n", "[D3;!R]", "[Po]"],
)  # fmt: skip
def test_every_molecule_that_holds_a_smarts_is_found_smallest_first(base, full, pattern):
    assert [hit.id for hit in base.search(full, pattern, 100)] == with_pattern(pattern)
    assert [hit.id for hit in base.search(full, pattern, 2)] == with_pattern(pattern)[:2]


def test_smiles_are_read_as_molecules_unless_said_otherwise(base, full):
    assert [hit.id for hit in base.search(full, "C1=CC=CC=C1", 99)] == with_pattern("c1ccccc1")
    assert base.search(full, "smarts:C1=CC=CC=C1", 99) == []
    assert [hit.id for hit in base.search(full, "smiles:C1=CC=[CH]C=C1", 99)] == with_pattern("c1ccccc1")


def test_a_hit_tells_its_line_and_how_much_of_it_is_the_query(base, full):
    hit = base.search(full, "c1ccc2[nH]ccc2c1", 5)[1]
    assert (hit.id, hit.similarity, hit.provenance) == ("CCCc1ccc2[nH]ccc2c1", 0.75, "list.smi:9")


def test_substructures_are_searched_on_demand(full):
    found = Substructures(find="substructures").search(full, "O=C", 99)
    carbonyl = Chem.MolFromSmarts("O=C")
    expected = [each.smiles for each in load_substructures(full)]
    expected = [smiles for smiles in expected if Chem.MolFromSmiles(smiles).HasSubstructMatch(carbonyl)]
    assert len(expected) > 5
    assert [hit.id for hit in found] == expected


def test_a_spectrum_brings_up_what_the_encoder_ranks_first_among_what_the_formula_holds(base, full):
    hits = base.search(full, SPECTRUM, 5)
    spectrum, encoder = spectrum_of(SPECTRUM), DualEncoder.load()
    substructures = [s for s in load_substructures(full) if _fits(s, spectrum.formula)]
    assert 5 < len(substructures) < len(load_substructures(full))
    cosines = encoder.substructure_vectors(substructures) @ encoder.encode_spectrum(spectrum)
    best = np.argsort(-cosines, kind="stable")[:5]
    assert [hit.id for hit in hits] == [substructures[i].smiles for i in best]
    assert [hit.similarity for hit in hits] == pytest.approx(cosines[best], abs=1e-5)


def _fits(substructure, formula):
    """None of the test's substructures that this rule and the true one judge differently holds so few atoms."""
    heavy = {e: n for e, n in element_counts_of(substructure).items() if e != "H"}
    return (
        all(formula[element] >= number for element, number in heavy.items())
        and substructure.unsaturation <= formula.unsaturation
        and sum(heavy.values()) < formula.heavy_atoms
    )


def test_a_spectrum_may_be_an_object_or_a_file(base, full, tmp_path):
    fields = {"formula": "C9H10O2", "c13": "171.0, 150.7, 129.4, 125.7, 121.5, 60.1, 14.2", "evidence": "soft"}
    path = tmp_path / "spectrum.yaml"
    path.write_text("\n".join(f"{name}: {value}" for name, value in fields.items()))
    expected = base.search(full, SPECTRUM, 7)
    assert base.search(full, json.dumps(fields), 7) == expected
    assert base.search(full, f"@{path}", 7) == expected


def test_without_vectors_windows_decide(tmp_path):
    folder = build(tmp_path, vectors=False)
    hits = Substructures().search(folder, SPECTRUM, 50)
    by_id = {hit.id: hit.similarity for hit in hits}
    assert by_id["*OCC"] > by_id["*CCC"]
    assert [hit.similarity for hit in hits] == sorted(by_id.values(), reverse=True)
    assert all(0 < value <= 1 for value in by_id.values())


def test_without_vectors_and_windows_a_spectrum_finds_nothing_and_says_why(tmp_path):
    folder = build(tmp_path, vectors=False, windows=False, molecules=False)
    with pytest.raises(DataError) as caught:
        Substructures().search(folder, SPECTRUM, 5)
    assert str(caught.value) == (
        f"{folder}: this knowledge base has neither vectors nor windows to compare a spectrum with"
        "\n    build it with --set vectors=true or windows=true"
    )
    assert Substructures().search(folder, "[nH]", 5)[0].provenance.endswith("first in list.smi:9")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("no molecule", "query 'no molecule': neither SMARTS nor SMILES"),
        ("", "query '': neither SMARTS nor SMILES"),
        ("C" * 501, "query: 501 characters exceed the limit of 500 for a substructure"),
        ("formula=C2H6O; c13=20, 60", "query: evidence: it is not said how far the counts can be trusted."),
        ("c13=20; evidence=soft", "query: formula: the formula is missing."),
        ("{broken", "query: not a YAML or JSON object: "),
        ("@gone.yaml", "query: gone.yaml: there is no such file"),
        ('[{"formula": 1}', "query '[{\"formula\": 1}': neither SMARTS nor SMILES"),
    ],
)
def test_a_query_that_cannot_be_read_is_explained(base, full, query, message):
    with pytest.raises(DataError) as caught:
        base.search(full, query, 5)
    assert str(caught.value).startswith(message)


def test_a_library_of_many_files_finds_the_same(tmp_path):
    settings = HarvestSettings(("list.smi",), 60, None, False, True, 1000)
    harvest = Harvester(settings).harvest([SmilesLine(0, n, text) for n, text in enumerate(MOLECULES, 1)])
    with MoleculeSpool(tmp_path / "kb") as spool:
        spool.add(harvest.molecules)
        with StoreBuilder(tmp_path / "kb", Description()) as builder:
            builder.add([Record("a", "b")])
            assert write_library(spool.sorted(), builder, lambda done: None, shard=4) == len(set(MOLECULES))
    with KnowledgeStore.open(tmp_path / "kb") as store:
        library = MoleculeLibrary(store)
        assert len(library) == len(set(MOLECULES))
        assert [library.at(position) for position in range(len(library))] == with_pattern("*")
        with pytest.raises(IndexError, match="no molecule at 25, there are 25"):
            library.at(25)
        for pattern in ("c1ccccc1", "C", "[Si]", "[nH]"):
            query = Chem.MolFromSmarts(pattern)
            assert library.count(query) == len(with_pattern(pattern))
            for k in (1, 3, 99):
                assert [found.smiles for found in library.containing(query, k)] == with_pattern(pattern)[:k]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kb"]


NAMES = [
    "build.json", "ids.npy", "molecules-000.sslib", "molecules.npy", "needs.npy", "offsets.npy", "records.jsonl",
    "refused.tsv", "vectors.npy",
]  # fmt: skip


def test_these_are_the_files_of_a_knowledge_base(full):
    assert sorted(path.name for path in full.iterdir()) == sorted([*NAMES, "manifest.json"])


@pytest.mark.parametrize("query", ["c1ccccc1", SPECTRUM])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["truncated", "corrupted or replaced", "missing"])
def test_a_damaged_file_is_named(full, tmp_path, name, damage, query):
    shutil.copytree(full, tmp_path / "kb")
    path = tmp_path / "kb" / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if damage == "truncated" else content[:-9] + b"x" + content[-8:])
    if damage == "missing":
        path.unlink()
    with pytest.raises(DataError) as caught:
        Substructures().search(tmp_path / "kb", query, 5)
    assert str(caught.value).startswith(f"{path}: {damage}")
    assert "build the knowledge base anew" in str(caught.value)


def test_a_knowledge_base_of_something_else_is_told_apart(tmp_path):
    KnowledgeStore.build(tmp_path / "kb", [Record("word", "text")], None, Description()).close()
    with pytest.raises(DataError, match=r"this knowledge base has no file 'needs\.npy'"):
        OpenedKnowledge.open(tmp_path / "kb").search(SPECTRUM, 5)
    with pytest.raises(DataError, match="record 'word' is no substructure"):
        load_substructures(tmp_path / "kb")


def test_vectors_of_another_encoder_are_refused(full, tmp_path):
    shutil.copytree(full, tmp_path / "kb")
    manifest = tmp_path / "kb" / "manifest.json"
    fields = json.loads(manifest.read_text())
    fields["encoder"]["version"] = "0" * 64
    manifest.write_text(json.dumps(fields))
    with pytest.raises(DataError, match="its vectors were made by another encoder than the one installed"):
        Substructures().search(tmp_path / "kb", SPECTRUM, 5)


def test_the_command_line_builds_searches_and_finds_damage(tmp_path):
    (tmp_path / "list.smi").write_text("\n".join(MOLECULES) + "\n")
    settings = ["--set", "vectors=false", "--set", "windows=false", "--set", "least=1", "--set", "exclude=false"]
    done = treewright(
        "kb", "build", "chemistry/substructures", "--source", "list.smi", "--out", "kb", *settings, cwd=tmp_path
    )
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "chemistry/substructures is built")
    assert "  searchable     25\n" in done.stdout and "read: 26 of 26 records" in done.stderr
    done = treewright("kb", "search", "kb", "[nH]", "-k", "1", cwd=tmp_path)
    assert done.stdout == "  1   0.1111  c1ccc2[nH]ccc2c1  c1ccc2[nH]ccc2c1\n              list.smi:8\n"
    (tmp_path / "kb" / "molecules-000.sslib").write_bytes(b"")
    done = treewright("kb", "search", "kb", "[nH]", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("kb/molecules-000.sslib: truncated: 0 bytes, the manifest says ")


def test_the_shipped_substructures_are_a_knowledge_base_too(tmp_path, monkeypatch, capsys):
    def said(*words):
        assert main(["kb", *words, "--json"]) == 0
        return capsys.readouterr().out

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name = "chemistry/substructures"
    manifest = json.loads(said("info", name))
    assert manifest["count"] == 2_000
    assert "nmrshiftdb2 Database License" in manifest["licence"]
    [store] = (tmp_path / "treewright").iterdir()
    built = store.stat().st_mtime_ns
    [hit] = map(json.loads, said("search", name, SPECTRUM, "-k", "1").splitlines())
    [[same]] = EncoderRetriever().retrieve([RetrieveRequest(SpectrumCodec().encode(spectrum_of(SPECTRUM)), 1)])
    assert (hit["id"], hit["content"]) == (same.id, same.content)
    assert hit["similarity"] == pytest.approx(same.similarity, abs=1e-5)
    indoles = map(json.loads, said("search", name, "c1ccc2[nH]ccc2c1", "-k", "1").splitlines())
    assert [hit["id"] for hit in indoles] == ["*c1c[nH]c2ccccc12"]
    assert store.stat().st_mtime_ns == built
    assert EncoderRetriever(knowledge=str(store))  # a closed book, so it need not be opened as another


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "treewright").write_text("a file in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["kb", "info", "chemistry/substructures"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path / 'treewright'}")
    assert "set XDG_CACHE_HOME to a folder that can be written" in said


def test_the_retriever_finds_in_a_knowledge_base_of_ones_own(base, full):
    retriever = EncoderRetriever(knowledge=str(full), open_book=True)
    query = SpectrumCodec().encode(spectrum_of(SPECTRUM))
    assert retriever.retrieve([RetrieveRequest(query, 4)])[0] == base.search(full, SPECTRUM, 4)


def test_an_open_book_is_refused_unless_asked_for(full, tmp_path):
    with pytest.raises(DataError) as caught:
        EncoderRetriever(knowledge=str(full))
    assert str(caught.value) == (
        f"{full}: it was not built without the molecules kept for evaluation, so a figure found with it counts for "
        "nothing\n    build it with --set exclude=true, or say so: open_book: true"
    )
    closed = build(tmp_path, exclude=True, vectors=False, windows=False, molecules=False)
    EncoderRetriever(knowledge=str(closed))


def test_a_knowledge_base_of_another_list_of_reserved_molecules_is_an_open_book(tmp_path):
    closed = build(tmp_path, exclude=True, vectors=False, windows=False, molecules=False)
    with KnowledgeStore.open(closed) as store:
        assert is_closed_book(store)
        account = json.loads((closed / "build.json").read_text())
        (closed / "build.json").write_text(json.dumps({**account, "closed book": "0" * 64}))
        assert not is_closed_book(store)
