"""Checks of how a component is built: its constructor and its options."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treewright.configuration.signature import BadSignature, adapter, as_plain, check_types, options_of
from treewright.pipeline import ComponentSpec
from treewright.testing.outcomes import Broken, Check, NotChecked
from treewright_registry import Descriptor


@dataclass(frozen=True, slots=True)
class ConstructionSubject:
    """A component before it is built.

    Attributes:
        descriptor: what it is.
        specs: how the plugin's own pipelines configure it.
    """

    descriptor: Descriptor
    specs: Sequence[ComponentSpec] = ()

    def option_sets(self) -> list[Mapping[str, Any]]:
        """Options to build it with: the defaults if they suffice, and those of the pipelines."""
        options = options_of(self.descriptor.load())
        sets: list[Mapping[str, Any]] = [spec.options for spec in self.specs]
        if not any(option.required for option in options.values()):
            sets.append({option.name: option.default for option in options.values()})
        return sets


def check_options_are_keywords(subject: ConstructionSubject) -> None:
    """Rule: a constructor's parameters are keyword-only and annotated with types YAML can hold.

    Repair: write  def __init__(self, *, width: int = 4) -> None.
    """
    try:
        check_types(options_of(subject.descriptor.load()))
    except BadSignature as error:
        raise Broken(str(error)) from error


def check_can_be_built(subject: ConstructionSubject) -> None:
    """Rule: a component can be built from its defaults or from a pipeline of the plugin.

    Repair: give every option a default, or ship a pipeline that sets those without one. A component
    that nobody can build without something from outside says what in ``needs_outside``.
    """
    outside = getattr(subject.descriptor.load(), "needs_outside", None)
    if outside:
        raise NotChecked(f"it needs {outside}")
    sets = subject.option_sets()
    if not sets:
        raise Broken("it has required options, and no pipeline of the plugin sets them")
    faults = []
    for options in sets:
        try:
            subject.descriptor.load()(**options)
        except Exception as error:  # a constructor may raise anything
            faults.append(f"{type(error).__name__}: {error}")
        else:
            return
    raise Broken(faults[0])


def check_options_survive_json(subject: ConstructionSubject) -> None:
    """Rule: options written as JSON and read again are the same options.

    Repair: annotate the option with the type that its default really has.
    """
    options = options_of(subject.descriptor.load())
    for values in subject.option_sets():
        for name, value in values.items():
            text = json.dumps(as_plain(options[name], value))
            try:
                again = adapter(options[name].annotation).validate_json(text, strict=True)
            except ValueError as error:
                raise Broken(f"option '{name}' = {value!r} is written as {text}: {error}") from error
            if again != value:
                raise Broken(f"option '{name}' = {value!r} comes back as {again!r}")


CHECKS: tuple[Check, ...] = (check_options_are_keywords, check_can_be_built, check_options_survive_json)
