"""The two hooks of a plugin.

A plugin's entry module says ``TREEWRIGHT_API = "1"`` and implements ``treewright_register``; it
imports nothing heavy. An implementation may take fewer arguments than the hook offers.
"""

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from treewright_registry.descriptors import Collector

PROJECT = "treewright"
ENTRY_POINT_GROUP = "treewright.plugins"
API_VERSION = "1"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def treewright_register(registry: "Collector") -> None:
    """Declare the plugin's components: ``registry.policy("fill", "package.module:Class", …)``."""


@hookspec
def treewright_on_event(event: str, details: dict[str, Any]) -> None:
    """Observe a run: ``run_started``, ``problem_finished``, ``run_finished``. Change nothing."""
