"""``treewright kb build | update | search | info``."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from treewright.cli.arguments import add_settings, positive
from treewright.cli.exit_codes import DONE
from treewright_registry import Registry

_EXAMPLES = """\
examples:
  treewright kb build plugin/name --source molecules.smi --out my-substructures
  treewright kb search my-substructures 'CCO' -k 5
  treewright kb search plugin/name 'CCO'        the one that comes with the plugin
  treewright kb info my-substructures                       what it is, and whether it is intact
  treewright kb update kb --source more.jsonl --remove id7  add records, remove others
  treewright kb update kb --index hnsw                      another search structure over the same records
"""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    kb = commands.add_parser(
        "kb",
        help="build, search or describe knowledge bases",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    actions = kb.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_build(actions, common)
    _add_update(actions, common)
    _add_search(actions, common)
    info = actions.add_parser(
        "info",
        help="describe a knowledge base and check its files",
        description="Say what a knowledge base is, from what, under which licence; check all checksums.",
        parents=[common],
    )
    _add_place(info)
    info.add_argument("--fast", action="store_true", help="compare samples of the files beyond 256 MB, not every byte")
    info.add_argument("--json", action="store_true", help="print the manifest as JSON")
    info.set_defaults(command=_info)


def _add_build(actions: Any, common: argparse.ArgumentParser) -> None:
    build = actions.add_parser(
        "build",
        help="build a knowledge base from files",
        description="Build a knowledge base; its folder appears only once it is complete.",
        parents=[common],
    )
    build.add_argument("name", metavar="NAME", help="name of a knowledge base, or a .yaml file with its block")
    build.add_argument(
        "--source", type=Path, nargs="+", action="extend", required=True, metavar="FILE", help="what from"
    )
    build.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to build")
    build.add_argument("--replace", action="store_true", help="replace the knowledge base that is there")
    build.add_argument("--date", type=_date, metavar="YYYY-MM-DD", help="for the manifest; default: today")
    add_settings(build, effort=False)
    build.set_defaults(command=_build)


def _add_update(actions: Any, common: argparse.ArgumentParser) -> None:
    update = actions.add_parser(
        "update",
        help="add records, remove records, change the index",
        description="Change a knowledge base: remove, then add. The old one stands until the new one is complete.",
        parents=[common],
    )
    update.add_argument("folder", type=Path, metavar="FOLDER", help="folder of a knowledge base")
    update.add_argument("--source", type=Path, nargs="+", action="extend", default=[], metavar="FILE", help="add these")
    update.add_argument(
        "--remove", nargs="+", action="extend", default=[], metavar="ID", help="remove these; 'ID/*' for all below"
    )
    update.add_argument("--index", metavar="KIND", help="exact, hnsw, ivf or ivf-sq8; default: as it is")
    update.add_argument("--breadth", type=int, default=0, metavar="N", help="how much a search looks at")
    update.set_defaults(command=_update)


def _add_search(actions: Any, common: argparse.ArgumentParser) -> None:
    search = actions.add_parser("search", help="find records of a knowledge base", parents=[common])
    _add_place(search)
    search.add_argument("query", metavar="QUERY", help="in the form that the knowledge base reads")
    search.add_argument("-k", type=positive, default=10, metavar="K", help="how many records (default: 10)")
    search.add_argument("--json", action="store_true", help="print one JSON object per hit")
    add_settings(search, effort=False)
    search.set_defaults(command=_search)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "place", metavar="FOLDER|NAME", help="folder of a knowledge base, or name of one that a plugin ships"
    )


def _date(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a date like 2026-01-31")
    return text


def _build(options: argparse.Namespace) -> int:
    from treewright.cli.kb_building import build

    print(build(options, Registry.load(), sys.stderr))
    return DONE


def _update(options: argparse.Namespace) -> int:
    from treewright.cli.kb_updating import update

    print(update(options, Registry.load(), sys.stderr))
    return DONE


def _search(options: argparse.Namespace) -> int:
    from treewright.cli.kb_finding import searched
    from treewright.cli.kb_showing import hits_as_json, hits_as_text

    hits = searched(options.place, options.query, options.k, options.set, Registry.load())
    print(hits_as_json(hits) if options.json else hits_as_text(hits))
    return DONE


def _info(options: argparse.Namespace) -> int:
    from treewright.cli.kb_finding import folder_of
    from treewright.cli.kb_showing import described
    from treewright_knowledge import KnowledgeStore
    from treewright_knowledge.checksums import Verification, is_sampled
    from treewright_knowledge.manifest import as_json

    folder = folder_of(options.place, Registry.load())
    verify: Verification = "fast" if options.fast else True
    with KnowledgeStore.open(folder, verify=verify) as store:
        sampled = is_sampled(store.info().files, verify)
        print(as_json(store.info()).rstrip() if options.json else described(store, sampled))
    return DONE
