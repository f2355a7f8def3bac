"""``manifest.json``: what a store is, and the checksums of its files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from treewright_knowledge.checksums import FileEntry
from treewright_knowledge.description import Description, Encoder, Source
from treewright_knowledge.id_index import IDS
from treewright_knowledge.index_settings import EXACT, IndexSettings
from treewright_knowledge.record_file import OFFSETS, RECORDS
from treewright_knowledge.vector_search import INDEX
from treewright_knowledge.vectors import VECTORS
from treewright_registry import DataError

FORMAT = "treewright-knowledge"
FORMAT_VERSION = 2
MANIFEST = "manifest.json"
_REBUILD = "\n    build the knowledge base anew: treewright kb build"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store is.

    Attributes:
        description: what its maker says of it.
        count: number of records.
        dimension: length of the vectors, 0 for a store without vectors.
        index: the search structure, with every choice made.
        files: name → size and checksum, of every file but the manifest.
        version: version of the folder's format.
    """

    description: Description
    count: int
    dimension: int
    files: Mapping[str, FileEntry]
    index: IndexSettings = EXACT
    version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        """Refuse what no store can be."""
        if self.count < 0 or self.dimension < 0:
            raise ValueError(f"{self.count} records with {self.dimension} dimensions cannot be")
        vectors = [VECTORS] if self.dimension else []
        index = [INDEX] if self.dimension and self.index.kind != "exact" else []
        for name in (RECORDS, OFFSETS, IDS, *vectors, *index):
            if name not in self.files:
                raise ValueError(f"it lists no {name}")

    @property
    def size(self) -> int:
        """Bytes of all files together, without the manifest."""
        return sum(entry.bytes for entry in self.files.values())

    @property
    def further_files(self) -> list[str]:
        """Files that the store's own do not explain: what a component added."""
        own = {RECORDS, OFFSETS, IDS, VECTORS, INDEX}
        return sorted(set(self.files) - own)


def as_json(manifest: Manifest) -> str:
    """The manifest's text: the same manifest always gives the same bytes."""
    fields: dict[str, Any] = asdict(manifest)
    fields.update(fields.pop("description"))
    fields["index"] = manifest.index.fields
    fields["format"] = FORMAT
    return json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def is_store(folder: Path) -> bool:
    """Whether the folder calls itself a knowledge base, of whatever version, sound or not."""
    try:
        fields = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(fields, dict) and fields.get("format") == FORMAT


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a store; no other file is looked at.

    Raises:
        DataError: there is none, or it is truncated, foreign, or of another format version.
    """
    path = folder / MANIFEST
    fields = _fields(path)
    if fields.get("format") != FORMAT:
        raise DataError(f"{path}: not the manifest of a knowledge base: its field 'format' is not '{FORMAT}'")
    version = fields.get("version")
    if version != FORMAT_VERSION:
        raise DataError(f"{path}: {_other_version(version)}")
    try:
        return _manifest(fields)
    except KeyError as error:
        raise DataError(f"{path}: the field {error} is missing{_REBUILD}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a sound manifest: {error}{_REBUILD}") from error


def _other_version(version: Any) -> str:
    what = f"format version {version!r}, this treewright reads version {FORMAT_VERSION}"
    newer = isinstance(version, int) and version > FORMAT_VERSION
    return f"{what}\n    it is newer: update treewright" if newer else f"{what}; it is older{_REBUILD}"


def _fields(path: Path) -> Mapping[str, Any]:
    if path.parent.is_file():
        raise DataError(f"{path.parent}: is a file; a knowledge base is a folder")
    if not path.parent.is_dir():
        raise DataError(f"{path.parent}: there is no such knowledge base{_hint(path.parent)}{_REBUILD}")
    if not path.is_file():
        raise DataError(f"{path.parent}: not a knowledge base: it has no {MANIFEST}{_REBUILD}")
    try:
        fields = json.loads(path.read_bytes())
    except ValueError as error:  # bad JSON or bad UTF-8
        raise DataError(f"{path}: truncated or not JSON: {error}{_REBUILD}") from error
    if not isinstance(fields, dict):
        raise DataError(f"{path}: not the manifest of a knowledge base: not a JSON object")
    return fields


def _hint(folder: Path) -> str:
    from treewright_knowledge.replacing import previous

    kept = previous(folder)
    return f"\n    an interrupted build kept the earlier one: rename {kept}" if kept.is_dir() else ""


def _manifest(fields: Mapping[str, Any]) -> Manifest:
    files = {_plain(name): FileEntry(**entry) for name, entry in fields["files"].items()}
    return Manifest(
        description=_description(fields),
        count=int(fields["count"]),
        dimension=int(fields["dimension"]),
        files=files,
        index=IndexSettings(**fields["index"]),
    )


def _description(fields: Mapping[str, Any]) -> Description:
    encoder = fields["encoder"]
    return Description(
        component=fields["component"],
        options=dict(fields["options"]),
        metric=fields["metric"],
        encoder=Encoder(**encoder) if encoder is not None else None,
        sources=tuple(Source(**source) for source in fields["sources"]),
        licence=fields["licence"],
        created=fields["created"],
    )


def _plain(name: str) -> str:
    """A file name that stays in its folder; a manifest may come from a stranger."""
    if not name or name.startswith(".") or "/" in name or "\\" in name:
        raise ValueError(f"'{name}' is not a plain file name")
    return name
