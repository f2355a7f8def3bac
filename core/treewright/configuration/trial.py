"""Build what is cheap to build, so that options a constructor refuses are told with their place."""

import re

from treewright.configuration.blocks import BlockReader
from treewright.configuration.complaints import Complaints
from treewright.configuration.nodes import Node, Place
from treewright.configuration.signature import RESERVED
from treewright.pipeline import ComponentSpec


def check_constructors(specs: dict[str, ComponentSpec], reader: BlockReader, complaints: Complaints) -> None:
    """Build each component once and throw it away; complain of those that refuse their options.

    Only for components that load nothing: searches and aggregators touch no model. One that says
    that it is expensive is left alone.

    Args:
        specs: path of the block (``search``) → component.
        reader: knows classes, blocks and places.
        complaints: takes what is wrong.
    """
    for path, spec in specs.items():
        if getattr(reader.classes[path], "expensive", False):
            continue
        try:
            spec.build()
        except (Exception, SystemExit) as error:  # a plugin's constructor may raise anything
            what = f"{spec.name} cannot be built: {type(error).__name__}: {error}"
            complaints.add(_place(reader.nodes[path], str(error), reader.places[path]), what)


def check_outside(specs: dict[str, ComponentSpec], reader: BlockReader, complaints: Complaints) -> None:
    """Let components look at their options and at what these name, e.g. a folder, without being built.

    Those do that have a static method ``check_options(options)``; it raises for what is wrong.

    Args:
        specs: path of the block (``policy.draft``) → component.
        reader: knows classes, blocks and places.
        complaints: takes what is wrong.
    """
    for path, spec in specs.items():
        check = getattr(reader.classes[path], "check_options", None)
        if check is None:
            continue
        try:
            check(spec.options)
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            what = f"{spec.name} cannot be built: {type(error).__name__}: {error}"
            complaints.add(_place(reader.nodes[path], str(error), reader.places[path]), what)


def _place(block: Node, message: str, default: Place) -> Place:
    """Where the option stands that a constructor's message speaks of first; else the block."""
    named = (block.get(word) for word in re.findall(r"\w+", message) if word not in RESERVED)
    option = next((node for node in named if node is not None), None)
    return default if option is None else option.place
