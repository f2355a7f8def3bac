"""Knowledge bases and their hits in words."""

import json
from collections.abc import Sequence

from treewright.cli.summary import count
from treewright_knowledge import KnowledgeStore, Manifest, Source
from treewright_registry import Hit, as_text, to_json

_WIDEST = 96  # letters of a record that a line shows; --json shows all


def hits_as_text(hits: Sequence[Hit]) -> str:
    """Two lines per hit: rank, similarity, id and the beginning of the record; its provenance."""
    if not hits:
        return "nothing found"
    width = max(len(hit.id) for hit in hits)
    lines = []
    for rank, hit in enumerate(hits, 1):
        head = f"{rank:3}  {hit.similarity:7.4f}  "
        lines.append(f"{head}{hit.id:{width}}  {_beginning(as_text(hit.content))}".rstrip())
        if hit.provenance:
            lines.append(" " * len(head) + hit.provenance)
    return "\n".join(lines)


def hits_as_json(hits: Sequence[Hit]) -> str:
    """One JSON object per line, records in full."""
    rows = ({**hit._asdict(), "content": to_json(hit.content)} for hit in hits)
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def described(store: KnowledgeStore, sampled: bool = False) -> str:
    """What an opened store is; opening it has compared its files, or samples of them, with their checksums."""
    manifest = store.info()
    about = manifest.description
    encoder = f"{about.encoder.name} {about.encoder.version}".rstrip() if about.encoder else ""
    rows = [
        ("component", about.component),
        ("records", count(manifest.count)),
        ("vectors", _vectors(manifest)),
        ("encoder", encoder),
        ("options", ", ".join(f"{name}={json.dumps(value)}" for name, value in about.options.items())),
        *(("source", _source(source)) for source in about.sources),
        ("licence", about.licence),
        ("created", about.created),
        ("format", f"version {manifest.version}"),
        ("size", size(manifest.size)),
        ("files", f"{len(manifest.files)}, {'samples' if sampled else 'all'} as the manifest says"),
    ]
    return "\n".join([str(store.folder), *(f"  {name:9}  {value}" for name, value in rows if value)])


def size(number: int) -> str:
    """Bytes in words: ``512 bytes``, ``3.2 MB`` (10⁶ bytes)."""
    value = float(number)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def _vectors(manifest: Manifest) -> str:
    if not manifest.dimension:
        return "none"
    index = manifest.index.fields
    numbers = ", ".join(f"{name} {value}" for name, value in index.items() if name != "kind")
    search = f"{index['kind']} search" + (f" ({numbers})" if numbers else "")
    return f"{manifest.dimension} dimensions, {manifest.description.metric}, {search}"


def _source(source: Source) -> str:
    sha256 = f"sha256 {source.sha256[:12]}…" if source.sha256 else ""
    return ", ".join(part for part in (source.name, source.licence, sha256, source.url) if part)


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"
