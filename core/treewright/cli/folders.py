"""Where a run goes when ``--out`` does not say it."""

import time
from pathlib import Path

from treewright_registry import ConfigurationError

RUNS = Path("runs")


def choose(name: str, out: Path | None, resume: bool) -> Path:
    """The folder of a run: ``--out``, or a new one, or (to resume) the newest of that name.

    Raises:
        ConfigurationError: there is nothing to resume.
    """
    dashed = dashes(name)
    if out is None and resume:
        return _newest(dashed)
    if out is None:
        return _fresh(RUNS / f"{dashed}-{time.strftime('%Y%m%d-%H%M%S')}")
    if resume and not out.is_dir():
        raise ConfigurationError(f"--resume: there is no folder {out}\n    leave out --resume to begin anew")
    return out


def dashes(name: str) -> str:
    """A pipeline's name or file as one word of a folder name."""
    stem = Path(name).stem if name.endswith((".yaml", ".yml")) else name
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in stem)


def _newest(dashed: str) -> Path:
    stamps = "-" + "[0-9]" * 8 + "-" + "[0-9]" * 6 + "*"
    found = sorted(path for path in RUNS.glob(dashed + stamps) if path.is_dir())
    if not found:
        what = f"--resume: there is no earlier run in {RUNS / dashed}-*"
        raise ConfigurationError(f"{what}\n    name its folder with --out, or leave out --resume")
    return found[-1]


def _fresh(path: Path) -> Path:
    """``path``, or ``path-2`` and so on if two runs begin within one second."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate
