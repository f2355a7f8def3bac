"""The table of components: look-up by ``plugin/name`` with suggestions, and building."""

import difflib
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint
from typing import Any

from treewright_registry import loader
from treewright_registry.descriptors import Collector, Descriptor
from treewright_registry.errors import UnknownComponent

# where the first-party domains live, for the install hint
FIRST_PARTY = {
    "math": "./plugins/math",
    "chemistry": "./plugins/chemistry",
    "embodied": "./plugins/embodied",
    "visual": "./plugins/visual",
}


class Registry:
    """All components that loaded, and all plugins that did not."""

    def __init__(self, loaded: loader.Loaded | None = None) -> None:
        self.plugins = loaded.plugins if loaded else ()
        self.failures = loaded.failures if loaded else ()
        self.hooks = loaded.manager.hook if loaded else None
        self._table: dict[tuple[str, str], Descriptor] = {}
        for descriptor in loaded.descriptors if loaded else ():
            self._table[descriptor.kind, descriptor.name] = descriptor

    @classmethod
    def load(cls, entries: Iterable[EntryPoint] | None = None, *, strict: bool = False) -> "Registry":
        """The registry of all installed plugins (or of the given entry points)."""
        return cls(loader.load(entries, strict=strict))

    def add(self, kind: str, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Register a component by hand, in a notebook or a test: ``add("policy", "my/one", One)``."""
        plugin, _, short = name.partition("/")
        collector = Collector(plugin)
        collector.add(kind, short, target, summary=summary)
        self._table[kind, name] = next(iter(collector))

    def __iter__(self) -> Iterator[Descriptor]:
        return iter(sorted(self._table.values(), key=lambda item: (item.name, item.kind)))

    def of_kind(self, kind: str) -> list[Descriptor]:
        """All components of a kind, by name."""
        return [descriptor for descriptor in self if descriptor.kind == kind]

    def named(self, name: str) -> list[Descriptor]:
        """All components of any kind with this full or bare name."""
        return [item for item in self if name in (item.name, item.name.partition("/")[2])]

    def find(self, kind: str, name: str) -> Descriptor:
        """The component ``plugin/name``; a bare name is accepted while it is unambiguous.

        Raises:
            UnknownComponent: with the nearest names, or how to install what is missing.
        """
        if "/" in name:
            found = [self._table[kind, name]] if (kind, name) in self._table else []
        else:
            found = [item for item in self.of_kind(kind) if item.name.partition("/")[2] == name]
        if len(found) == 1:
            return found[0]
        raise UnknownComponent(self._ambiguous(kind, name, found) if found else self._unknown(kind, name))

    def _ambiguous(self, kind: str, name: str, found: list[Descriptor]) -> str:
        names = ", ".join(item.name for item in found)
        return f"{kind} '{name}' is ambiguous: {names}\n    write the full name"

    def _unknown(self, kind: str, name: str) -> str:
        label = kind.replace("_", " ")
        absence = self.absence(name)
        if absence:
            return f"{label} '{name}' {absence}"
        return "\n    ".join([f"{label} '{name}' is not registered", *self._suggestions(kind, name)])

    def absence(self, name: str) -> str:
        """Why the plugin of ``plugin/name`` is not there and what to do; empty if it is there or unknown."""
        plugin = name.partition("/")[0] if "/" in name else ""
        for failure in self.failures:
            if failure.plugin == plugin:
                return (
                    f"belongs to plugin '{plugin}', which failed to load"
                    f" ({failure.stage})\n    {failure.cause.splitlines()[0]}"
                    "\n    details: treewright plugins list --broken"
                )
        if plugin in FIRST_PARTY and not self._has_plugin(plugin):
            return (
                f"belongs to plugin '{plugin}', which is not installed"
                f"\n    install it: pip install . {FIRST_PARTY[plugin]}   (from the repository root)"
            )
        return ""

    def _suggestions(self, kind: str, name: str) -> list[str]:
        known = [item.name for item in self.of_kind(kind)]
        lines = []
        close = difflib.get_close_matches(name, known, n=1)
        if not close and "/" not in name:
            bare = {item.partition("/")[2]: item for item in known}
            close = [bare[match] for match in difflib.get_close_matches(name, bare, n=1)]
        if close:
            lines.append(f"did you mean '{close[0]}'?")
        others = [item for item in self.named(name) if item.kind != kind]
        if others:
            lines.append(f"'{name}' is a {others[0].kind}, not a {kind}")
        plural = {"policy": "policies", "search": "searches"}.get(kind, f"{kind.replace('_', ' ')}s")
        lines.append(f"known {plural}: {', '.join(known) or 'none'}")
        return lines

    def _has_plugin(self, plugin: str) -> bool:
        return any(item.name == plugin for item in self.plugins)
