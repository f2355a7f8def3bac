"""Checks that a plugin keeps the contracts; ``treewright plugins check`` and pytest make them."""

from treewright.testing.kit import Planned, check_plugin, contract_checks, plan
from treewright.testing.outcomes import Broken, NotChecked, Outcome, perform

__all__ = [
    "Broken",
    "NotChecked",
    "Outcome",
    "Planned",
    "check_plugin",
    "contract_checks",
    "perform",
    "plan",
]
