"""Light descriptions of components, and the collector that a plugin fills with them."""

import importlib
import importlib.resources
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from treewright_registry.contracts import KINDS

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What is known of a component before anything of it is imported.

    Attributes:
        kind: one of ``KINDS``.
        name: ``plugin/name``.
        target: import string ``package.module:Class``, a class, or (kind ``pipeline``) a resource
            ``package:path/file.yaml``.
        summary: one line for listings.
        distribution: the distribution that registered it, with version, e.g. ``a-b 0.1``.
    """

    kind: str
    name: str
    target: str | type[Any]
    summary: str = ""
    distribution: str = ""

    def load(self) -> type[Any]:
        """Import the component's class."""
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        loaded: type[Any] = getattr(importlib.import_module(module), attribute)
        return loaded

    def resource(self) -> tuple[str, str]:
        """Path (for messages) and text of a pipeline's file."""
        package, _, path = str(self.target).partition(":")
        file = importlib.resources.files(package).joinpath(path)
        return str(file), file.read_text(encoding="utf-8")

    @property
    def import_string(self) -> str:
        """The target as text."""
        if isinstance(self.target, str):
            return self.target
        return f"{self.target.__module__}:{self.target.__qualname__}"


@dataclass(slots=True)
class Collector:
    """Takes the declarations of one plugin; they become visible only if all of them are good."""

    plugin: str
    distribution: str = ""
    descriptors: dict[tuple[str, str], Descriptor] = field(default_factory=dict)

    def add(self, kind: str, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare a component.

        Raises:
            ValueError: unknown kind, bad name, malformed target or a name declared twice.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}; known kinds: {', '.join(KINDS)}")
        if not NAME.fullmatch(name):
            raise ValueError(f"{kind} name {name!r} must be lower-case words joined by '-'")
        if isinstance(target, str) and ":" not in target:
            raise ValueError(f"{kind} '{name}': target {target!r} lacks ':'; write 'package.module:Class'")
        full = f"{self.plugin}/{name}"
        if (kind, full) in self.descriptors:
            raise ValueError(f"{kind} '{full}' declared twice")
        self.descriptors[kind, full] = Descriptor(kind, full, target, summary, self.distribution)

    def policy(self, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare a policy."""
        self.add("policy", name, target, summary=summary)

    def scorer(self, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare a scorer (reward model)."""
        self.add("scorer", name, target, summary=summary)

    def retriever(self, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare a retriever."""
        self.add("retriever", name, target, summary=summary)

    def aggregator(self, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare an aggregator."""
        self.add("aggregator", name, target, summary=summary)

    def search(self, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare a search."""
        self.add("search", name, target, summary=summary)

    def task(self, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare a task."""
        self.add("task", name, target, summary=summary)

    def knowledge_base(self, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare a knowledge base."""
        self.add("knowledge_base", name, target, summary=summary)

    def codec(self, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare a codec."""
        self.add("codec", name, target, summary=summary)

    def trainer(self, name: str, target: str | type[Any], *, summary: str = "") -> None:
        """Declare a training recipe."""
        self.add("trainer", name, target, summary=summary)

    def pipeline(self, name: str, target: str, *, summary: str = "") -> None:
        """Declare a named pipeline: a YAML file in a package, ``package:path/file.yaml``."""
        self.add("pipeline", name, target, summary=summary)

    def __iter__(self) -> Iterator[Descriptor]:
        return iter(self.descriptors.values())
