"""What a check is, and what comes of it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any], None]


class Broken(AssertionError):
    """The rule of a check is broken; the text says how it shows."""


class NotChecked(Exception):
    """A check has nothing to look at; the text says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one check.

    Attributes:
        id: ``scorer:puzzle/rules::check_scores_in_range``.
        failure: how the rule is broken; ``None`` if it is kept.
        skipped: why nothing was checked; ``None`` if something was.
        rule: the check's documentation: the rule, and how to repair.
    """

    id: str
    failure: str | None = None
    skipped: str | None = None
    rule: str = ""

    def __str__(self) -> str:
        if self.failure is not None:
            details = [self.failure, *self.rule.splitlines()]
            return "\n    ".join([f"FAILED   {self.id}", *(line for line in details if line.strip())])
        return f"skipped  {self.id}  ({self.skipped})" if self.skipped else f"ok       {self.id}"


def perform(check: Check, label: str, subject: Any) -> Outcome:
    """Run one check on one subject; an exception of the component counts as a broken rule."""
    name = f"{label}::{check.__name__}"
    rule = inspect.getdoc(check) or ""
    try:
        check(subject)
    except NotChecked as reason:
        return Outcome(name, skipped=str(reason), rule=rule)
    except Broken as broken:
        return Outcome(name, failure=str(broken), rule=rule)
    except Exception as error:  # a component under check may raise anything
        return Outcome(name, failure=f"raised {type(error).__name__}: {error}", rule=rule)
    return Outcome(name, rule=rule)
