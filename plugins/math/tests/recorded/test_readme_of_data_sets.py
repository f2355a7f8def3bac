import shlex
from pathlib import Path

import pytest

from treewright import load_pipeline
from treewright_math import BENCHMARKS, STEP_BENCHMARKS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Data sets and recorded samples\n")[2].partition("\n## ")[0]
COMMANDS = [
    line.strip().partition("  #")[0]
    for line in SECTION.replace("\\\n", " ").splitlines()
    if line.startswith("    treewright run")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_a_good_configuration(command, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    words = shlex.split(command)
    settings = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    assert load_pipeline(words[2], overrides=settings).spec.task.name.startswith("math/")


def test_the_section_has_its_commands_and_names_every_task_of_its_kind():
    assert len(COMMANDS) == 11
    tasks = [f"math/{name}" for name, _, _ in (*BENCHMARKS, *STEP_BENCHMARKS)]
    assert [name for name in tasks if name not in SECTION] == []
