"""``treewright train``."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright.cli.arguments import add_settings
from treewright.cli.exit_codes import DONE
from treewright_registry import ConfigurationError, Registry

if TYPE_CHECKING:
    from treewright.pipeline import ComponentSpec

_EXAMPLES = """\
examples:
  treewright train chemistry/shifts
  treewright train chemistry/shifts --set epochs=2 --out runs/shifts
  treewright train chemistry/shifts --out runs/shifts --resume
"""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    train = commands.add_parser(
        "train",
        help="train a model by a recipe",
        description="Train a model by a recipe of a plugin; the model and its figures go to a folder.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    train.add_argument("recipe", metavar="RECIPE", help="name of a recipe, or a .yaml file with its block")
    add_settings(train, effort=False)
    train.add_argument("--out", type=Path, metavar="DIR", help="default: runs/RECIPE-DATE-TIME")
    train.add_argument("--resume", action="store_true", help="go on where an earlier training stopped")
    train.set_defaults(command=_train)


def _train(options: argparse.Namespace) -> int:
    from treewright.cli.folders import choose
    from treewright.configuration import component_text, load_component

    registry = Registry.load()
    spec = load_component("trainer", options.recipe, registry, overrides=options.set)
    out = choose(options.recipe, options.out, options.resume)
    if out.exists() and any(out.iterdir()) and not options.resume:
        what = f"--out: {out} is not empty"
        raise ConfigurationError(f"{what}\n    add --resume to go on with it, or choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    if options.resume:
        _check_unchanged(spec, out / "config.yaml", registry)
    (out / "config.yaml").write_text(component_text(spec, registry), encoding="utf-8")
    figures = _figures(spec, out, options.resume)
    print("\n".join([f"{spec.name} is trained", *figures, f"  folder  {out}"]))
    return DONE


def _check_unchanged(spec: "ComponentSpec", begun: Path, registry: Registry) -> None:
    """See that a training goes on with the settings that it began with, but for those that may differ."""
    from treewright.configuration import load_component

    if not begun.exists():
        return
    before = load_component("trainer", str(begun), registry)
    free: frozenset[str] = getattr(spec.descriptor.load(), "free_on_resume", frozenset())
    if before.name != spec.name:
        raise ConfigurationError(f"--resume: {begun.parent} is a training of {before.name}, not of {spec.name}")
    changed = [
        f"{name} was {before.options.get(name)!r} and is {value!r} now"
        for name, value in spec.options.items()
        if name not in free and before.options.get(name) != value
    ]
    if changed:
        raise ConfigurationError(
            f"--resume: {begun.parent} was begun with other settings: {'; '.join(changed)}"
            f"\n    go on with the same ({', '.join(sorted(free)) or 'none'} may differ), or choose another folder"
        )


def _figures(spec: "ComponentSpec", out: Path, resume: bool) -> list[str]:
    measured: Mapping[str, Any] = spec.build().train(out, resume)
    width = max((len(name) for name in measured), default=0)
    return [f"  {name:{width}}  {_written(value)}" for name, value in measured.items()]


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
