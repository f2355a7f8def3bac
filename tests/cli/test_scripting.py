"""``from treewright import load_pipeline, run_pipeline``."""

import json
import subprocess
import sys

import pytest

import treewright
from tests.configuration.parts import GOOD, registry
from tests.engine.toys import Sample, Speller, Vowels, Words
from treewright.aggregators.best import Best
from treewright_registry import ConfigurationError, Registry


def test_every_public_name_is_there():
    assert [name for name in treewright.__all__ if not hasattr(treewright, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        treewright.nothing  # noqa: B018


def test_importing_treewright_loads_neither_engine_nor_yaml():
    program = """\
import sys, treewright
heavy = [name for name in ("yaml", "pydantic", "asyncio", "numpy", "torch", "treewright.engine") if name in sys.modules]
treewright.load_pipeline
print(heavy, "yaml" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[] True\n"


def test_a_script_runs_components_of_its_own(tmp_path):
    table = Registry()
    for kind, name, target in (
        ("task", "my/words", Words),
        ("policy", "my/speller", Speller),
        ("scorer", "my/vowels", Vowels),
        ("search", "core/sample", Sample),
        ("aggregator", "core/best", Best),
    ):
        table.add(kind, name, target)
    file = tmp_path / "words.yaml"
    file.write_text("task: {use: words}\npolicy: {use: speller}\nscorer: {use: vowels}\nsearch: {use: sample, n: 2}\n")
    loaded = treewright.load_pipeline(file, overrides=["task.count=3"], registry=table)
    summary = treewright.run_pipeline(loaded, tmp_path / "run", limit=2)
    records = [json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]
    assert (summary["n"], summary["failures"], [record["id"] for record in records]) == (2, 0, ["w0", "w1"])


def test_mistakes_are_told_with_their_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(GOOD)
    with pytest.raises(ConfigurationError) as caught:
        treewright.load_pipeline("p.yaml", overrides=["search.wdth=3"], registry=registry())
    assert str(caught.value).startswith("--set search.wdth=3: core/beam: unknown option 'wdth'")
