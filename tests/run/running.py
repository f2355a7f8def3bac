"""Run the word domain into a folder and read what it holds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.engine.toys import LENGTH, Speller, component, pipeline
from treewright.pipeline import ComponentSpec, PipelineSpec
from treewright.run.runner import run as run_pipeline
from treewright_registry import Proposals, ProposeRequest

FILLED = "task:\n  use: toy/words\nseed: 0\nversions:\n  treewright: 1\n"
TIMES = ("seconds",)


def run(out: Path, spec: PipelineSpec | None = None, filled: str = FILLED, **options: Any) -> Mapping[str, Any]:
    return run_pipeline(spec or pipeline(), filled, out, **options)


def results(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_bytes().split(b"\n")[:-1]]


def summary(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return found


def timeless(value: Any) -> Any:
    """Without anything measured in seconds, at any depth."""
    if isinstance(value, dict):
        return {name: timeless(each) for name, each in value.items() if name not in TIMES}
    return [timeless(each) for each in value] if isinstance(value, list) else value


class CountingSpeller(Speller):
    """Notes in a file for which problem it is asked; fails for the problems named in another file."""

    def __init__(self, *, log: str, broken: str = "") -> None:
        self.log = Path(log)
        self.broken = Path(broken) if broken else None

    def propose(self, requests: list[ProposeRequest]) -> list[Proposals]:  # type: ignore[override]
        return [self._answer(request) for request in requests]

    def _answer(self, request: ProposeRequest) -> Proposals:
        id_ = request.trajectory.problem.id
        with self.log.open("a") as file:
            file.write(f"{id_}\n")
        if self.broken is not None and id_ in self.broken.read_text().split():
            raise ConnectionError("no service")
        return super().propose([request])[0]

    def asked(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []


def counting(folder: Path, broken: str | None = None) -> ComponentSpec:
    """A policy that counts; ``broken`` names the problems that it fails on (a file may change it)."""
    options: dict[str, Any] = {"log": str(folder / "asked")}
    if broken is not None:
        (folder / "broken").write_text(broken)
        options["broken"] = str(folder / "broken")
    return component("policy", CountingSpeller, **options)


def asked(folder: Path) -> list[str]:
    path = folder / "asked"
    return path.read_text().split() if path.exists() else []


__all__ = ["FILLED", "LENGTH", "asked", "counting", "pipeline", "results", "run", "summary", "timeless"]
