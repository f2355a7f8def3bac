"""``treewright config check | fill | schema``."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright.cli.arguments import add_pipeline, add_settings
from treewright.cli.exit_codes import DONE
from treewright_registry import ConfigurationError, Registry, TreewrightError

if TYPE_CHECKING:
    from treewright.configuration import LoadedPipeline

_EXAMPLES = """\
examples:
  treewright config check my.yaml                 everything that is wrong, with file:line:column
  treewright config check my.yaml --build         the same, and build every component, models included
  treewright config fill puzzle/beam > my.yaml    a complete pipeline to start from
  treewright config schema > pipeline.json        for the completion of an editor
  treewright config schema core/beam              the options of one component
"""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    config = commands.add_parser(
        "config",
        help="check, complete or describe pipelines",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    actions = config.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="say whether a pipeline would run", parents=[common])
    fill = actions.add_parser("fill", help="print a pipeline with every default filled in", parents=[common])
    for action, command in ((check, _check), (fill, _fill)):
        add_pipeline(action)
        add_settings(action)
        action.set_defaults(command=command)
    check.add_argument(
        "--build",
        action="store_true",
        help="also build every component, models and data included; some check themselves then",
    )
    fill.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
    schema = actions.add_parser("schema", help="print the JSON schema of pipelines", parents=[common])
    schema.add_argument("name", nargs="?", help="a component: print the schema of its block only")
    schema.set_defaults(command=_schema)


def _check(options: argparse.Namespace) -> int:
    from treewright.configuration import load_pipeline

    registry = Registry.load()
    loaded = load_pipeline(options.pipeline, registry, overrides=options.set, effort=options.effort, outside=True)
    for effort in loaded.efforts if options.effort is None else ():
        load_pipeline(options.pipeline, registry, overrides=options.set, effort=effort)
    found = _build_all(loaded) if options.build else []
    print(_summary(options.pipeline, loaded))
    print(*found, sep="\n", end="\n" if found else "")
    print(*loaded.notes, sep="\n", end="\n" if loaded.notes else "")
    return DONE


def _build_all(loaded: "LoadedPipeline") -> list[str]:
    """Build each component, let it check itself if it can, and throw it away; what the components say of themselves.

    Raises:
        ConfigurationError: listing all that cannot be built, or found itself wanting.
    """
    from treewright.engine.component_building import build, checked_by_itself

    refused, found = [], []
    for part in (loaded.spec.task, *loaded.spec.roles.values(), loaded.spec.search, loaded.spec.aggregator):
        try:
            found += checked_by_itself(part, build(part))
        except TreewrightError as error:
            refused.append(str(error))
    if refused:
        raise ConfigurationError("\n".join(refused))
    return found


def _summary(source: str, loaded: "LoadedPipeline") -> str:
    spec = loaded.spec
    parts = {"task": spec.task, **spec.roles, "search": spec.search, "aggregator": spec.aggregator}
    width = max(len(name) for name in [*parts, "budget", "efforts"])
    rows = [f"  {name:{width}}  {part.name}" for name, part in parts.items()]
    limits = ", ".join(f"{name} {limit:g}" for name, limit in spec.budget.items())
    rows.append(f"  {'budget':{width}}  {limits or 'none'}")
    if loaded.efforts:
        rows.append(f"  {'efforts':{width}}  {', '.join(loaded.efforts)}")
    return "\n".join([f"{source} is good", *rows])


def _fill(options: argparse.Namespace) -> int:
    from treewright.configuration import load_pipeline

    loaded = load_pipeline(options.pipeline, Registry.load(), overrides=options.set, effort=options.effort)
    if options.out is None:
        print(loaded.filled, end="")
    else:
        try:
            options.out.write_text(loaded.filled, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"--out {options.out}: cannot be written: {error.strerror}") from error
        print(f"wrote {options.out}")
    return DONE


def _schema(options: argparse.Namespace) -> int:
    from treewright.configuration import pipeline_schema

    print(json.dumps(pipeline_schema(Registry.load(), options.name), indent=2, ensure_ascii=False))
    return DONE
