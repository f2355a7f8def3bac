"""Checks of a plugin as a whole: its entry module and what it registered."""

import importlib
import re

from treewright.testing.light_imports import HEAVY_FOR_LISTINGS, heavy_imports
from treewright.testing.outcomes import Broken, Check
from treewright.testing.subjects import PluginSubject
from treewright_registry import API_VERSION, Descriptor

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_entry_module_is_light(subject: PluginSubject) -> None:
    """Rule: the entry module imports nothing heavy, so that listings stay quick.

    Repair: name components by import strings, "package.module:Class", instead of importing them.
    """
    found = heavy_imports([subject.module], HEAVY_FOR_LISTINGS)[subject.module]
    if found:
        raise Broken(f"{subject.module} imports {', '.join(found)}")


def check_api_version(subject: PluginSubject) -> None:
    """Rule: the entry module says which API it is written for.

    Repair: write  TREEWRIGHT_API = "1"  in the entry module.
    """
    said = getattr(importlib.import_module(subject.module), "TREEWRIGHT_API", None)
    if said != API_VERSION:
        raise Broken(f"TREEWRIGHT_API is {said!r}, this is API {API_VERSION!r}")


def check_name(subject: PluginSubject) -> None:
    """Rule: a plugin's name is lower-case words joined by '-'.

    Repair: rename the entry point in pyproject.toml.
    """
    if not _NAME.fullmatch(subject.name):
        raise Broken(f"the name is {subject.name!r}")


def check_summaries(subject: PluginSubject) -> None:
    """Rule: every component has a summary of one line.

    Repair: pass summary="…" when registering it.
    """
    for descriptor in subject.descriptors:
        if not descriptor.summary.strip() or "\n" in descriptor.summary:
            raise Broken(f"{descriptor.kind} '{descriptor.name}' has none")


def check_components_resolve(subject: PluginSubject) -> None:
    """Rule: every import string leads to a class, every pipeline to a file.

    Repair: correct the import string; see that the file is in the wheel.
    """
    for descriptor in subject.descriptors:
        fault = _unresolved(descriptor)
        if fault:
            raise Broken(f"{descriptor.kind} '{descriptor.name}' ({descriptor.import_string}): {fault}")


def _unresolved(descriptor: Descriptor) -> str | None:
    try:
        if descriptor.kind == "pipeline":
            descriptor.resource()
        elif not isinstance(descriptor.load(), type):
            return "is not a class"
    except Exception as error:  # an import may raise anything
        return f"{type(error).__name__}: {error}"
    return None


def check_component_modules_are_light(subject: PluginSubject) -> None:
    """Rule: modules of components import heavy libraries only when a component is built.

    Repair: move the import of the heavy library into the constructor or the function that uses it.
    """
    targets = [item.import_string for item in subject.descriptors if item.kind != "pipeline"]
    modules = sorted({target.partition(":")[0] for target in targets})
    for module, found in heavy_imports(modules).items():
        if found:
            raise Broken(f"{module} imports {', '.join(found)}")


CHECKS: tuple[Check, ...] = (
    check_entry_module_is_light,
    check_api_version,
    check_name,
    check_summaries,
    check_components_resolve,
    check_component_modules_are_light,
)
