"""``treewright run``, ``config`` and errors, as a user sees them."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.process import environment, interruptible, treewright
from tests.cli.scaffolded import scaffolded


@pytest.fixture
def home(tmp_path):
    return scaffolded(tmp_path, "digits")


def test_a_piped_run_prints_plain_lines_and_a_summary(home, tmp_path):
    done = treewright("run", "digits/demo", "--limit", "2", "--out", "o", cwd=tmp_path, paths=[home])
    lines = done.stdout.splitlines()
    assert lines[0] == "2 problems"
    assert lines[1].startswith("1/2  accuracy ")
    assert lines[2].startswith("2/2  accuracy ")
    assert lines[3:5] == ["digits/demo", "  problems          2"]
    assert lines[-1] == "  folder            o"
    assert "\x1b" not in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_the_default_folder_is_named_after_pipeline_and_time(home, tmp_path):
    treewright("run", "digits/demo", "--limit", "1", cwd=tmp_path, paths=[home])
    [folder] = (tmp_path / "runs").iterdir()
    assert folder.name[:12] == "digits-demo-" and len(folder.name) == len("digits-demo-20260101-101010")


def test_resume_without_out_goes_on_with_the_newest_run(home, tmp_path):
    arguments = ("run", "digits/demo", "--limit")
    treewright(*arguments, "1", cwd=tmp_path, paths=[home])
    done = treewright(*arguments, "3", "--resume", cwd=tmp_path, paths=[home])
    assert done.stdout.splitlines()[0] == "3 problems, 1 of them done before"
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_resume_without_an_earlier_run_is_explained(home, tmp_path):
    done = treewright("run", "digits/demo", "--resume", cwd=tmp_path, paths=[home])
    assert (done.returncode, done.stderr) == (
        2,
        "--resume: there is no earlier run in runs/digits-demo-*\n"
        "    name its folder with --out, or leave out --resume\n",
    )


def test_the_saved_configuration_runs_again_with_the_same_results(home, tmp_path):
    treewright("run", "digits/demo", "--set", "seed=5", "--out", "a", cwd=tmp_path, paths=[home])
    treewright("run", "a/config.yaml", "--out", "b", cwd=tmp_path, paths=[home])
    results = [(tmp_path / name / "results.jsonl").read_text().splitlines() for name in "ab"]
    answers = [[json.loads(line)["answer"] for line in lines] for lines in results]
    assert answers[0] == answers[1] and len(answers[0]) == 10


def test_a_wrong_configuration_ends_with_2_and_leaves_no_folder(home, tmp_path):
    done = treewright("run", "digits/demo", "--set", "search.m=3", cwd=tmp_path, paths=[home])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--set search.m=3: core/sample: unknown option 'm'")
    assert not (tmp_path / "runs").exists()


def test_input_for_a_task_that_takes_none_is_explained(home, tmp_path):
    (tmp_path / "x.txt").write_text("x")
    done = treewright("run", "digits/demo", "--input", "x.txt", cwd=tmp_path, paths=[home])
    assert (done.returncode, done.stderr) == (
        2,
        "--input x.txt: digits/sums: unknown option 'input'\n    known options: count (int = 10), length (int = 3)\n",
    )


def test_an_absent_input_is_explained(home, tmp_path):
    done = treewright("run", "digits/demo", "--input", "no.txt", cwd=tmp_path, paths=[home])
    assert (done.returncode, done.stderr) == (2, "--input no.txt: there is no such file\n")
    done = treewright("run", "digits/demo", "--input", ".", cwd=tmp_path, paths=[home])
    assert (done.returncode, done.stderr) == (2, "--input .: is a folder; name a file\n")


def test_standard_input_is_kept_in_the_run_folder(home, tmp_path):
    task = home / "treewright_digits" / "sum_task.py"
    task.write_text(
        task.read_text()
        .replace("length: int = 3) ->", "length: int = 3, input: str | None = None) ->")
        .replace("self.length = length", "self.length = length\n        self.input = input")
        .replace("range(1, self.count + 1)", "map(int, open(self.input).read().split())")
    )
    arguments = ("run", "digits/demo", "--input", "-", "--out", "o")
    done = treewright(*arguments, cwd=tmp_path, paths=[home], input=b"3 5\n", plugins="digits")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o" / "input").read_bytes() == b"3 5\n"
    ids = [json.loads(line)["id"] for line in (tmp_path / "o" / "results.jsonl").read_text().splitlines()]
    assert ids == ["sum-3", "sum-5"]


def test_a_failed_problem_gives_exit_code_1_and_is_listed(home, tmp_path):
    policy = home / "treewright_digits" / "digit_policy.py"
    policy.write_text(
        policy.read_text().replace('        """Up to', '        raise OSError("the model is away")\n        """Up to')
    )
    done = treewright("run", "digits/demo", "--limit", "1", "--out", "o", cwd=tmp_path, paths=[home])
    assert done.returncode == 1
    assert "failed problems:\n  sum-1: " in done.stdout
    assert "the model is away" in done.stdout


def test_an_interrupted_run_ends_with_130_and_can_be_resumed(home, tmp_path):
    task = home / "treewright_digits" / "digit_policy.py"
    source = task.read_text().replace("from math import log", "import time\nfrom math import log")
    task.write_text(source.replace("        length = request", "        time.sleep(0.2)\n        length = request"))
    process = subprocess.Popen(
        [sys.executable, "-m", "treewright", "run", "digits/demo", "--set", "live=1", "--out", "o"],
        cwd=tmp_path,
        env=environment([home], None),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,
    )
    results = tmp_path / "o" / "results.jsonl"
    while not results.exists() and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert out.splitlines()[-1] == "interrupted; to go on, repeat the command with  --resume --out o"
    task.write_text(source)
    done = treewright("run", "digits/demo", "--set", "live=1", "--out", "o", "--resume", cwd=tmp_path, paths=[home])
    assert done.returncode == 0, done.stderr
    assert len(results.read_text().splitlines()) == 10


def test_config_check_summarises_a_good_pipeline(home, tmp_path):
    done = treewright("config", "check", "digits/demo", cwd=tmp_path, paths=[home])
    assert (
        done.stdout
        == """\
digits/demo is good
  task        digits/sums
  policy      digits/digits
  scorer      digits/reach
  search      core/sample
  aggregator  core/best
  budget      none
"""
    )


def test_config_fill_writes_a_pipeline_that_checks(home, tmp_path):
    filled = treewright("config", "fill", "digits/demo", "--out", "f.yaml", cwd=tmp_path, paths=[home])
    assert (filled.returncode, filled.stdout) == (0, "wrote f.yaml\n")
    assert treewright("config", "check", "f.yaml", cwd=tmp_path, paths=[home]).returncode == 0


def test_a_configuration_that_cannot_be_written_is_explained(home, tmp_path):
    done = treewright("config", "fill", "digits/demo", "--out", "no/f.yaml", cwd=tmp_path, paths=[home])
    assert (done.returncode, done.stderr) == (2, "--out no/f.yaml: cannot be written: No such file or directory\n")


def test_a_full_disk_is_named_with_what_to_do(home, tmp_path):
    command = [sys.executable, "-m", "treewright", "config", "fill", "digits/demo"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environment([home], None), cwd=tmp_path, timeout=60
        )
    assert done.stderr.decode().startswith("No space left on device\n    free space on that disk, or write elsewhere\n")
    assert done.returncode != 0


def test_config_schema_is_json(tmp_path):
    done = treewright("config", "schema", "core/beam", cwd=tmp_path)
    assert json.loads(done.stdout)["properties"]["width"]["default"] == 4


def test_usage_errors_end_with_2(tmp_path):
    done = treewright("run", "x", "--limit", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert "argument --limit: '0' is not a positive whole number" in done.stderr


def test_an_unexpected_error_shows_one_line_and_how_to_see_more(tmp_path):
    (tmp_path / "out" / "results.jsonl").mkdir(parents=True)  # a folder where the file should be
    home = scaffolded(tmp_path, "digits")
    done = treewright("run", "digits/demo", "--out", "out", cwd=tmp_path, paths=[home])
    assert (done.returncode, done.stderr.splitlines()[1:]) == (
        1,
        ["    see where it happened: repeat the command with --debug"],
    )
    assert done.stderr.startswith("unexpected ")
    (tmp_path / "out" / "config.yaml").unlink()
    debugged = treewright("run", "digits/demo", "--out", "out", "--debug", cwd=tmp_path, paths=[home])
    assert "Traceback (most recent call last)" in debugged.stderr


def test_a_folder_that_cannot_be_made_is_a_wrong_configuration(tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    home = scaffolded(tmp_path, "digits")
    done = treewright("run", "digits/demo", "--out", "runs/x", cwd=tmp_path, paths=[home])
    assert (done.returncode, done.stderr) == (2, "--out runs/x: cannot be made a folder: Not a directory\n")


def test_a_run_that_cannot_begin_leaves_no_folder_behind(tmp_path):
    home = scaffolded(tmp_path, "digits")
    done = treewright("run", "digits/demo", "--set", "search.n=0", "--out", "out", cwd=tmp_path, paths=[home])
    assert done.returncode == 2
    said = "--set search.n=0: core/sample cannot be built: ValueError: n and wave must be at least 1"
    assert done.stderr.startswith(said)
    assert not (tmp_path / "out").exists()


REFUSES = """\
class Refuses:
    def __init__(self, *, size: int = 3) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1, not {size}")
    def propose(self, requests):
        raise NotImplementedError
"""
REFUSED = "p.yaml:2:15: digits/refuses cannot be built: ValueError: size must be at least 1, not 0\n"


@pytest.fixture
def refusing(home, tmp_path):
    entry = home / "treewright_digits" / "__init__.py"
    entry.write_text(entry.read_text() + '    registry.policy("refuses", "refuses:Refuses", summary="refuses")\n')
    (home / "refuses.py").write_text(REFUSES)
    (tmp_path / "p.yaml").write_text("extends: digits/demo\npolicy: {use: digits/refuses, size: 0}\n")
    return home


def test_options_that_a_component_refuses_are_told_with_their_place_before_anything_runs(refusing, tmp_path):
    done = treewright("run", "p.yaml", "--out", "out", cwd=tmp_path, paths=[refusing])
    assert (done.returncode, done.stderr) == (2, REFUSED)
    assert not (tmp_path / "out").exists()


def test_config_check_builds_every_component_when_asked(refusing, tmp_path):
    assert treewright("config", "check", "p.yaml", cwd=tmp_path, paths=[refusing]).returncode == 0
    done = treewright("config", "check", "p.yaml", "--build", cwd=tmp_path, paths=[refusing])
    assert (done.returncode, done.stderr) == (2, REFUSED)


CHECKS_ITSELF = """\
from treewright_registry import ConfigurationError
class Refuses:
    def __init__(self, *, size: int = 3) -> None:
        self.size = size
    async def self_check(self):
        if self.size < 1:
            raise ConfigurationError("the server has no room; set size to at least 1")
        return [f"room for {self.size}"]
    def propose(self, requests):
        raise NotImplementedError
"""


def test_config_check_lets_components_check_themselves_when_asked(refusing, tmp_path):
    (refusing / "refuses.py").write_text(CHECKS_ITSELF)
    done = treewright("config", "check", "p.yaml", "--build", cwd=tmp_path, paths=[refusing])
    said = "p.yaml:2:15: digits/refuses: the server has no room; set size to at least 1\n"
    assert (done.returncode, done.stderr) == (2, said)
    done = treewright("config", "check", "p.yaml", "--build", "--set", "policy.size=2", cwd=tmp_path, paths=[refusing])
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("digits/refuses:\n  room for 2\n")


def test_a_role_that_nothing_uses_is_noted_on_the_side(home, tmp_path):
    (tmp_path / "p.yaml").write_text("extends: digits/demo\nscorer: {spare: {use: digits/reach}}\n")
    checked = treewright("config", "check", "p.yaml", cwd=tmp_path, paths=[home])
    assert checked.returncode == 0, checked.stderr
    note = "p.yaml:2:23: note: nothing uses the scorer in role 'spare'"
    assert note in checked.stdout.splitlines()


def test_a_recipe_is_trained_into_its_folder(home, tmp_path):
    entry = home / "treewright_digits" / "__init__.py"
    entry.write_text(entry.read_text() + '    registry.trainer("count", "recipe:Count", summary="counts")\n')
    (home / "recipe.py").write_text(
        "class Count:\n"
        "    free_on_resume = frozenset({'steps'})\n"
        "    def __init__(self, *, steps: int = 3, seed: int = 0) -> None:\n"
        "        self.steps = steps\n"
        "    def train(self, out, resume):\n"
        "        (out / 'model').write_text(str(self.steps))\n"
        "        return {'steps': self.steps, 'loss': 0.12345678}\n"
    )
    done = treewright("train", "digits/count", "--set", "steps=5", "--out", "m", cwd=tmp_path, paths=[home])
    assert (done.returncode, done.stdout) == (
        0,
        "digits/count is trained\n  steps  5\n  loss   0.1235\n  folder  m\n",
    )
    assert (tmp_path / "m" / "model").read_text() == "5"
    again = treewright("train", "m/config.yaml", "--out", "n", cwd=tmp_path, paths=[home])
    assert (tmp_path / "n" / "model").read_text() == "5", again.stderr
    longer = ["train", "digits/count", "--set", "steps=7", "--out", "n", "--resume"]
    assert treewright(*longer, cwd=tmp_path, paths=[home]).returncode == 0
    other = treewright(*longer, "--set", "seed=1", cwd=tmp_path, paths=[home])
    assert other.returncode == 2
    assert "--resume: n was begun with other settings: seed was 0 and is 1 now" in other.stderr
    assert "go on with the same (steps may differ), or choose another folder" in other.stderr
    assert (tmp_path / "n" / "model").read_text() == "7"
