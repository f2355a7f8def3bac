"""What ``treewright plugins show`` prints of a component."""

import inspect
from typing import Any

from treewright.configuration.complaints import nearest
from treewright.configuration.signature import BadSignature, options_of
from treewright.pipeline import capabilities_of, needs_of
from treewright_registry import Descriptor, Registry, UnknownComponent


def shown(registry: Registry, name: str) -> str:
    """Everything known of the components with this full or bare name.

    Raises:
        UnknownComponent: there is none.
    """
    found = registry.named(name)
    if not found:
        raise UnknownComponent(_unknown(registry, name))
    return "\n\n".join(_shown(descriptor) for descriptor in found)


def _unknown(registry: Registry, name: str) -> str:
    absence = registry.absence(name)
    if absence:
        return f"'{name}' {absence}"
    known = sorted({word for item in registry for word in (item.name, item.name.partition("/")[2])})
    close = nearest(name, known)
    lines = [f"nothing is registered as '{name}'"]
    if close:
        lines.append(f"did you mean '{close}'?")
    return "\n    ".join([*lines, "all names: treewright plugins list"])


def _shown(descriptor: Descriptor) -> str:
    head = [f"{descriptor.kind.replace('_', ' ')} {descriptor.name}", f"  {descriptor.summary}"]
    if descriptor.distribution:
        head.append(f"  from {descriptor.distribution}")
    body = _pipeline(descriptor) if descriptor.kind == "pipeline" else _component(descriptor)
    return "\n".join([*head, *body])


def _pipeline(descriptor: Descriptor) -> list[str]:
    path, text = descriptor.resource()
    return [f"  {path}", "", *(f"    {line}".rstrip() for line in text.splitlines())]


def _component(descriptor: Descriptor) -> list[str]:
    try:
        component = descriptor.load()
    except (Exception, SystemExit) as error:
        return [f"  cannot be imported: {type(error).__name__}: {error}", f"  {descriptor.import_string}"]
    lines = [f"  {_location(component)}", "", *_options(component)]
    for own, need in needs_of(component).items():
        able = f" with capability {', '.join(sorted(need.capabilities))}" if need.capabilities else ""
        empty = ", may be left empty" if need.optional else ""
        lines.append(f"  needs role '{own}': a {need.kind}{able}{empty}")
    capabilities = capabilities_of(component)
    if capabilities:
        lines.append(f"  can: {', '.join(sorted(capabilities))}")
    documentation = inspect.getdoc(component)
    if documentation:
        lines += ["", *(f"    {line}".rstrip() for line in documentation.splitlines())]
    return lines


def _options(component: type[Any]) -> list[str]:
    try:
        options = options_of(component)
    except BadSignature as error:
        return [f"  cannot be configured: {error}"]
    if not options:
        return ["  no options"]
    return ["  options:", *(f"    {option}" for option in options.values())]


def _location(component: type[Any]) -> str:
    try:
        return f"{inspect.getsourcefile(component)}:{inspect.getsourcelines(component)[1]}"
    except (OSError, TypeError):
        return f"{component.__module__}:{component.__qualname__}"
