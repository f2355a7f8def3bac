"""``treewright plugins``: show, new, check."""

import subprocess
import sys

from tests.cli.process import environment, treewright
from tests.cli.scaffolded import scaffolded


def test_show_tells_options_needs_and_location(tmp_path):
    done = treewright("plugins", "show", "core/beam", cwd=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert {"pipeline core/beam", "search core/beam", "  step-level beam search"} <= set(lines)
    assert "    width (int = 4)" in lines
    assert "  needs role 'scorer': a scorer with capability partial" in lines
    assert any("searches/beam.py:" in line for line in lines)


def test_show_of_a_pipeline_prints_its_file(tmp_path):
    done = treewright("plugins", "show", "core/best-of-n", cwd=tmp_path)
    assert "    search: {use: core/sample, n: 16}" in done.stdout.splitlines()


def test_show_of_an_unknown_name_suggests(tmp_path):
    done = treewright("plugins", "show", "core/beem", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "nothing is registered as 'core/beem'\n    did you mean 'core/beam'?\n    all names: treewright plugins list\n"
    )


def test_show_of_a_plugin_that_is_not_installed_tells_how_to_install_it(tmp_path):
    done = treewright("plugins", "show", "math/r2", cwd=tmp_path, plugins="core")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "'math/r2' belongs to plugin 'math', which is not installed\n"
        "    install it: pip install . ./plugins/math   (from the repository root)\n"
    )


def test_a_new_plugin_passes_its_checks_and_runs(tmp_path):
    home = scaffolded(tmp_path, "word-games")
    checked = treewright("plugins", "check", "word-games", cwd=tmp_path, paths=[home])
    assert checked.stdout.splitlines()[-1].endswith(" checks passed, 0 skipped, 0 failed")
    assert checked.returncode == 0, checked.stdout
    ran = treewright("run", "word-games/demo", "--out", "out", cwd=tmp_path, paths=[home])
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out" / "summary.json").exists()


def test_the_tests_of_a_new_plugin_pass(tmp_path):
    home = scaffolded(tmp_path, "sudoku")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(home)],
        cwd=home,
        env=environment([home], None),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_new_tells_the_next_steps(tmp_path):
    done = treewright("plugins", "new", "sudoku", cwd=tmp_path)
    assert done.stdout.splitlines()[-4:] == [
        "next:",
        "  pip install -e treewright-sudoku",
        "  treewright plugins check sudoku",
        "  treewright run sudoku/demo",
    ]


def test_new_refuses_a_bad_name(tmp_path):
    done = treewright("plugins", "new", "My_Plugin", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "'My_Plugin' cannot name a plugin\n    use lower-case words joined by '-', e.g. sudoku or word-games\n",
    )


def test_new_overwrites_nothing(tmp_path):
    (tmp_path / "treewright-sudoku").mkdir()
    (tmp_path / "treewright-sudoku" / "mine.py").write_text("precious")
    done = treewright("plugins", "new", "sudoku", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "treewright-sudoku is there already\n    choose another place with --dir\n",
    )


def test_checking_an_unknown_plugin_lists_the_known_ones(tmp_path):
    done = treewright("plugins", "check", "cor", cwd=tmp_path, plugins="")
    assert (done.returncode, done.stderr) == (
        2,
        "no plugin is named 'cor'\n    did you mean 'core'?\n    known plugins: core\n",
    )


def test_the_engine_passes_its_own_checks(tmp_path):
    done = treewright("plugins", "check", "core", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
