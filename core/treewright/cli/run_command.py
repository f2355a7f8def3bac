"""``treewright run``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright.cli.arguments import add_pipeline, add_settings, positive
from treewright.cli.exit_codes import DONE, FAILED, INTERRUPTED
from treewright_registry import ConfigurationError, DataError, Registry

if TYPE_CHECKING:
    from treewright.configuration import LoadedPipeline, Override

_EXAMPLES = """\
examples:
  treewright run puzzle/beam
  treewright run puzzle/beam --set search.width=8 --limit 20
  treewright run my.yaml --effort high --workers 2 --out runs/high
  treewright run my.yaml --input questions.jsonl
  treewright run my.yaml --resume                 go on with the newest interrupted run

exit codes: 0 done, 1 done with failed problems, 2 configuration wrong, 130 interrupted (resumable)
"""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    run = commands.add_parser(
        "run",
        help="run a pipeline over its task",
        description="Run a pipeline over its task; records, summary and configuration go to a folder.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    add_pipeline(run)
    add_settings(run)
    run.add_argument("--input", metavar="FILE|-", help="the task's input; '-' reads standard input")
    run.add_argument("--limit", type=positive, metavar="N", help="only the first N problems")
    run.add_argument("--workers", type=positive, default=1, metavar="N", help="processes (default: 1)")
    run.add_argument("--out", type=Path, metavar="DIR", help="default: runs/PIPELINE-DATE-TIME")
    run.add_argument("--resume", action="store_true", help="go on where an earlier run stopped")
    run.add_argument(
        "--journal",
        choices=("keep", "prune", "off"),
        default="keep",
        help="answers of expensive components, for --resume: keep all, drop those of answered problems at the end,"
        " or keep none",
    )
    run.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from treewright.cli.folders import choose

    registry = Registry.load()
    out = choose(options.pipeline, options.out, options.resume)
    overrides = [*options.set, *_input(options.input, out)]
    # first without the input, so that a wrong configuration leaves no folder behind
    loaded = _loaded(options, registry, overrides)
    if options.input == "-":
        _save_standard_input(_saved_input(out), options.resume)
    try:
        return _execute(options, loaded, out, registry)
    except (ConfigurationError, DataError) as error:
        _forget_standard_input(options.input, out)
        if options.input == "-":  # the reader of the message knows nothing of the copy
            raise type(error)(str(error).replace(str(_saved_input(out)), "standard input")) from error
        raise


def _loaded(options: argparse.Namespace, registry: Registry, overrides: Sequence["str | Override"]) -> "LoadedPipeline":
    from treewright.configuration import load_pipeline

    loaded = load_pipeline(options.pipeline, registry, overrides=overrides, effort=options.effort)
    print(*loaded.notes, sep="\n", end="\n" if loaded.notes else "", file=sys.stderr)
    return loaded


def _execute(options: argparse.Namespace, loaded: "LoadedPipeline", out: Path, registry: Registry) -> int:
    from treewright.cli.progress import observer_for
    from treewright.cli.summary import report
    from treewright.run.hook_observer import HookObserver
    from treewright.run.runner import run

    references = getattr(loaded.spec.task.descriptor.load(), "has_references", True)
    observer = observer_for(sys.stdout, references=references)
    try:
        summary = run(
            loaded.spec,
            loaded.filled,
            out,
            workers=options.workers,
            limit=options.limit,
            resume=options.resume,
            journal=options.journal,
            observer=HookObserver(observer, registry.hooks),
        )
    finally:
        observer.close()
    if observer.presentation:
        print(observer.presentation)
    print(report(loaded.spec.source, summary, out, observer.failures))
    if summary.get("interrupted"):
        print("interrupted; to go on, repeat the command with  --resume --out", out)
        return INTERRUPTED
    return FAILED if summary.get("failures") else DONE


def _input(source: str | None, out: Path) -> list["Override"]:
    """What ``--input`` means: the task's option ``input``."""
    from treewright.configuration import text_setting

    if source is None:
        return []
    if source == "-":
        return [text_setting("task.input", str(_saved_input(out)), "--input -")]
    if not Path(source).is_file():
        what = "is a folder; name a file" if Path(source).is_dir() else "there is no such file"
        raise ConfigurationError(f"--input {source}: {what}")
    return [text_setting("task.input", source, f"--input {source}")]


def _forget_standard_input(source: str | None, out: Path) -> None:
    """Leave no folder behind where the input was refused before anything ran."""
    if source == "-" and not (out / "config.yaml").exists():
        _saved_input(out).unlink(missing_ok=True)
        if out.is_dir() and not any(out.iterdir()):
            out.rmdir()


def _saved_input(out: Path) -> Path:
    return out / "input"


def _save_standard_input(path: Path, resume: bool) -> None:
    if resume and path.exists():
        return  # the interrupted run has read it already
    if path.parent.exists() and any(path.parent.iterdir()):
        what = f"--out: {path.parent} is not empty"
        raise ConfigurationError(f"{what}\n    add --resume to go on with it, or choose another folder")
    data = sys.stdin.buffer.read()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
