"""Runs ``python -m treewright`` as a user would."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def treewright(
    *arguments: str,
    cwd: Path,
    paths: Sequence[Path] = (),
    plugins: str | None = None,
    input: bytes = b"",
) -> subprocess.CompletedProcess[str]:
    """Run a command; ``paths`` go to the front of Python's path, ``plugins`` limits what loads."""
    done = subprocess.run(
        [sys.executable, "-m", "treewright", *arguments],
        cwd=cwd,
        env=environment(paths, plugins),
        input=input,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def environment(paths: Sequence[Path], plugins: str | None) -> dict[str, str]:
    """The environment of the child process."""
    here = [str(path) for path in paths] + [path for path in sys.path if path]
    result = {**os.environ, "PYTHONPATH": os.pathsep.join(here), "COLUMNS": "100"}
    result.pop("TREEWRIGHT_PLUGINS", None)
    result.pop("TREEWRIGHT_DEBUG", None)
    return result | ({"TREEWRIGHT_PLUGINS": plugins} if plugins is not None else {})


def interruptible() -> None:
    """For ``preexec_fn``: take SIGINT even if the tests themselves run in the background, where it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
