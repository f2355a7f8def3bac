"""Where a pipeline comes from: a name, or a file; and what it extends."""

from pathlib import Path

from treewright.configuration.complaints import Complaints
from treewright.configuration.merging import inherited, merged
from treewright.configuration.nodes import Node, Place
from treewright.configuration.reader import read_file, read_mapping
from treewright_registry import Registry, UnknownComponent

_SUFFIXES = (".yaml", ".yml")
_LONGEST_CHAIN = 16


def read_source(source: str, registry: Registry, complaints: Complaints) -> Node | None:
    """The complete tree of a pipeline, its ``extends`` resolved; ``None`` after a complaint.

    Args:
        source: ``plugin/name``, a bare name, or a path that ends with ``.yaml`` or ``.yml``.
        registry: knows the named pipelines.
        complaints: takes what is wrong.
    """
    return _Chain(registry, complaints).read(source, Path(), Place(source))


def is_file(source: str) -> bool:
    """Whether the user means a file rather than a name."""
    return source.endswith(_SUFFIXES)


class _Chain:
    """Follows ``extends`` from one pipeline to the next."""

    def __init__(self, registry: Registry, complaints: Complaints) -> None:
        self.registry, self.complaints = registry, complaints
        self.seen: dict[str, str] = {}  # identity → as it was asked for

    def read(self, source: str, folder: Path, place: Place) -> Node | None:
        found = self._file(source, folder, place) if is_file(source) else self._named(source, place)
        if found is None:
            return None
        identity, node, beside = found
        if identity in self.seen or len(self.seen) >= _LONGEST_CHAIN:
            names = " → ".join([*self.seen.values(), source])
            self.complaints.add(place, f"pipelines extend each other in a circle: {names}")
            return None
        self.seen[identity] = source
        return self._extended(node, beside)

    def _extended(self, node: Node, folder: Path) -> Node | None:
        extends = node.get("extends")
        if extends is None or extends.is_null:
            return node
        if not isinstance(extends.value, str):
            self.complaints.add(extends.place, "'extends' must name one pipeline or one YAML file")
            return None
        base = self.read(extends.value, folder, extends.place)
        return merged(inherited(base), node) if base else None

    def _file(self, source: str, folder: Path, place: Place) -> tuple[str, Node, Path] | None:
        path = folder / source
        if not path.exists():
            self._no_file(path, place)
            return None
        node = read_file(path, self.complaints)
        return (str(path.resolve()), node, path.parent) if node else None

    def _no_file(self, path: Path, place: Place) -> None:
        where = f"there is no file '{path}'"
        beside = sorted(file.name for file in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        more = [f"YAML files there: {', '.join(beside)}"] if beside else []
        self.complaints.add(place, where, *more)

    def _named(self, source: str, place: Place) -> tuple[str, Node, Path] | None:
        try:
            descriptor = self.registry.find("pipeline", source)
        except UnknownComponent as error:
            first, *more = str(error).split("\n    ")
            if Path(source).is_file():
                more = [f"to run the file, give it the ending .yaml: {source}.yaml", *more]
            self.complaints.add(place, first, *more)
            return None
        try:
            label, text = descriptor.resource()
        except (OSError, ImportError, UnicodeDecodeError) as error:
            what = f"pipeline '{descriptor.name}' cannot be read: {error}"
            self.complaints.add(place, what, f"reinstall {descriptor.distribution or 'its plugin'}")
            return None
        node = read_mapping(text, label, self.complaints)
        return (descriptor.name, node, Path(label).parent) if node else None
