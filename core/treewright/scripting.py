"""Load and run pipelines from a script or a notebook: ``from treewright import load_pipeline, run_pipeline``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treewright.configuration import LoadedPipeline
from treewright.configuration import load_pipeline as _load_pipeline
from treewright.run.observer import Observer
from treewright.run.runner import run as _run
from treewright_registry import Registry


def load_pipeline(
    source: str | Path,
    *,
    overrides: Sequence[str] = (),
    effort: str | None = None,
    registry: Registry | None = None,
) -> LoadedPipeline:
    """Read, complete and check a pipeline.

    Args:
        source: ``plugin/name``, a bare unambiguous name, or the path of a ``.yaml`` file.
        overrides: as after ``--set``: ``search.width=4``.
        effort: ``low``, ``medium`` or ``high``, if the pipeline offers levels.
        registry: the components there are; ``None`` takes those of all installed plugins. In a notebook,
            ``registry.add`` registers a class of your own.

    Raises:
        ConfigurationError: listing everything that is wrong, each with its place.
    """
    return _load_pipeline(str(source), registry or Registry.load(), overrides=overrides, effort=effort)


def run_pipeline(
    pipeline: LoadedPipeline | str | Path,
    out: str | Path,
    *,
    workers: int = 1,
    limit: int | None = None,
    resume: bool = False,
    observer: Observer | None = None,
) -> Mapping[str, Any]:
    """Run a pipeline over its task and write the run folder ``out``.

    Args:
        pipeline: what ``load_pipeline`` returned, or what it takes.
        out: the run folder; it must not hold a run, unless ``resume``.
        workers: processes; 1 runs everything in this one. With more, the script's own code must stand
            under ``if __name__ == "__main__":``, since each process imports it.
        limit: solve only the first so many problems.
        resume: go on with the run in ``out``.
        observer: hears of progress.

    Returns:
        The content of ``summary.json``; the records stand in ``out/results.jsonl``.

    Raises:
        ConfigurationError: the pipeline cannot run, or the folder is not to be used.
        DataError: the task cannot read its data.
    """
    loaded = pipeline if isinstance(pipeline, LoadedPipeline) else load_pipeline(pipeline)
    return _run(loaded.spec, loaded.filled, Path(out), workers=workers, limit=limit, resume=resume, observer=observer)
