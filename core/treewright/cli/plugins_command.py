"""``treewright plugins list | show | check | new``."""

import argparse
from pathlib import Path
from typing import Any

from treewright.cli import listing
from treewright.cli.exit_codes import DONE, FAILED
from treewright_registry import KINDS, Registry

_LIST_EXAMPLES = """\
examples:
  treewright plugins list
  treewright plugins list --kind scorer
  treewright plugins list --broken        why a plugin did not load, and what to do
"""
_SHOW_EXAMPLES = """\
examples:
  treewright plugins show core/beam
  treewright plugins show best-of-n
"""
_NEW_EXAMPLES = """\
examples:
  treewright plugins new sudoku                  writes ./treewright-sudoku
  treewright plugins new sudoku --dir work/sudoku
"""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    plugins = commands.add_parser("plugins", help="list, show, check or begin plugins", parents=[common])
    actions = plugins.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_list(actions, common)
    _add_show(actions, common)
    check = actions.add_parser(
        "check",
        help="check a plugin against the contracts",
        description="Check an installed plugin against the contracts; each failure says how to repair it.",
        parents=[common],
    )
    check.add_argument("name", help="the plugin's name, as in 'plugin/component'")
    check.set_defaults(command=_check)
    _add_new(actions, common)


def _add_list(actions: Any, common: argparse.ArgumentParser) -> None:
    list_ = actions.add_parser(
        "list",
        help="list all components",
        description="List all components of all installed plugins.",
        epilog=_LIST_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    list_.add_argument("--kind", choices=KINDS, help="only components of this kind")
    list_.add_argument("--broken", action="store_true", help="only plugins that did not load, with cause")
    list_.add_argument("--json", action="store_true", help="as JSON")
    list_.set_defaults(command=_list)


def _add_show(actions: Any, common: argparse.ArgumentParser) -> None:
    show = actions.add_parser(
        "show",
        help="show one component",
        description="Show a component: options, documentation, what it needs and can do, where it is.",
        epilog=_SHOW_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    show.add_argument("name", help="full or bare name of a component or pipeline")
    show.set_defaults(command=_show)


def _add_new(actions: Any, common: argparse.ArgumentParser) -> None:
    new = actions.add_parser(
        "new",
        help="begin a plugin",
        description="Write a small plugin that works: a policy, a scorer, a task, a pipeline and tests.",
        epilog=_NEW_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    new.add_argument("name", help="lower-case words joined by '-'")
    new.add_argument("--dir", type=Path, help="where to write it (default: ./treewright-NAME)")
    new.set_defaults(command=_new)


def _list(options: argparse.Namespace) -> int:
    registry = Registry.load()
    if options.json:
        print(listing.as_json(registry, options.kind, options.broken))
    elif options.broken:
        print(listing.broken(registry))
    else:
        print(listing.components(registry, options.kind))
    return DONE


def _show(options: argparse.Namespace) -> int:
    from treewright.cli.showing import shown

    print(shown(Registry.load(), options.name))
    return DONE


def _check(options: argparse.Namespace) -> int:
    from treewright.testing import check_plugin

    registry = Registry.load()
    outcomes = []
    for outcome in check_plugin(options.name, registry):
        print(outcome, flush=True)  # each as it comes: models may take their time
        outcomes.append(outcome)
    failed = sum(1 for outcome in outcomes if outcome.failure)
    skipped = sum(1 for outcome in outcomes if outcome.skipped)
    passed = len(outcomes) - failed - skipped
    print(f"{passed} checks passed, {skipped} skipped, {failed} failed")
    return FAILED if failed else DONE


def _new(options: argparse.Namespace) -> int:
    from treewright.cli.scaffold import write_plugin

    folder = options.dir or Path(f"treewright-{options.name}")
    for path in write_plugin(options.name, folder):
        print(f"wrote {path}")
    print(f"\nnext:\n  pip install -e {folder}\n  treewright plugins check {options.name}")
    print(f"  treewright run {options.name}/demo")
    return DONE
