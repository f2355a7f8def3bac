"""The commands of the recipe pages and of the module's own docstring, run as they stand on small sources."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from treewright.cli.main import main
from treewright_math.retrieval import problems

PAGES = Path(__file__).parents[4] / "knowledge_bases" / "recipes"
SMALL = ["--set", "steps=10", "--set", "features=100", "--set", "dimension=8"]  # a training of seconds


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Under the names of the pages, in the working directory: 30 problems each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "DATA" / "math").mkdir(parents=True)
    names = ("math_pool_4500.jsonl.gz", "gsm8k_train.jsonl.gz", "train.jsonl", "test.jsonl")
    for start, name in enumerate(names):
        rows = [
            {
                "problem": f"What is the sum of {n} and {start + 7}?",
                "solution": f"We add them: {n} + {start + 7} it is.",
            }
            for n in range(30)
        ]
        for file in (tmp_path / name, tmp_path / "DATA" / "math" / name):
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(command):
    words = shlex.split(command)
    if words[0] == "python":
        subprocess.run([sys.executable, *words[1:-1], "40"], check=True)  # of 20,000 problems 40
        return
    assert main([*words[1:], *(SMALL if words[1] == "train" else [])]) == 0


@pytest.mark.parametrize("page", ["math_problems", "math_embedded_knowledge", "math_text_encoder"])
def test_the_commands_of_a_page_work_from_top_to_bottom(page, sources):
    lines = re.findall(r"^    (treewright .*|python -m .*)$", (PAGES / f"{page}.md").read_text("utf-8"), re.MULTILINE)
    assert len(lines) >= 2
    for line in lines:
        run(line)


def test_the_commands_of_the_module_work(sources):
    lines = re.findall(r"^treewright .*$", problems.__doc__, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        run(line)
