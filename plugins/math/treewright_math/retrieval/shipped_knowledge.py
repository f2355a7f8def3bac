"""The knowledge bases of the embedded world: built from its generator when they are first asked for.

They lie in the user's cache (``$XDG_CACHE_HOME/treewright``, else ``~/.cache/treewright``) under names that tell what
is in them and whose vectors: another version of the package or of the encoder makes others.
"""

import json
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from treewright_knowledge import FORMAT_VERSION, Description, KnowledgeStore, Record, Source, cached_store
from treewright_math.embedded_world.worked_problems import COUNT, rows
from treewright_math.retrieval.encoders import encoder_named
from treewright_math.retrieval.problem_records import Key, Level, key_of, keyed, records_of
from treewright_math.retrieval.problem_rows import KnownProblem
from treewright_registry import JSON

LEVELS: Final[tuple[Level, ...]] = ("problems", "steps")
_BY: Final[dict[Level, Key]] = {"problems": "template", "steps": "text"}
_LICENCE: Final = "Apache-2.0"
_SAMPLE: Final = 40
_ANSWER: Final = "\nThe answer is "


def store_named(name: str) -> Path | None:
    """The folder that ``embedded/problems`` or ``embedded/steps`` means; ``None`` for other names."""
    for level in LEVELS:
        if name == f"embedded/{level}":
            return shipped_store(level)
    return None


def shipped_store(level: Level) -> Path:
    """The folder of the store of a level, built if it is not there yet (some seconds).

    Raises:
        DataError: the cache cannot be written.
    """
    encoder = encoder_named("embedded")
    sample = list(rows(_SAMPLE))  # another generator makes other rows from the first on
    content = json.dumps([COUNT, _BY[level], keyed(sample[0]["problem"], _BY[level]), *sample])
    sign = sha256(f"{FORMAT_VERSION} {content} {encoder.identity.version}".encode()).hexdigest()
    return cached_store(f"math-embedded-{level}-{sign[:16]}", partial(_build, level))


def embedded_records(level: Level) -> list[Record]:
    """All records of a level; the line with the answer is no step, as it is alike in all problems."""
    records: list[Record] = []
    for number, row in enumerate(rows(), 1):
        known = KnownProblem(f"embedded-{number}", row["problem"], row["solution"], "", "", "", "embedded world")
        if level == "steps":
            known = known._replace(solution=row["solution"].rpartition(_ANSWER)[0])
        records.extend(records_of(known, level))
    return records


def _build(level: Level, place: Path) -> None:
    encoder, source = encoder_named("embedded"), Source("embedded world", licence=_LICENCE)
    options: dict[str, JSON] = {"level": level, "by": _BY[level], "encoder": "embedded"}
    description = Description(
        component="math/problems", options=options, encoder=encoder.identity, sources=(source,), licence=_LICENCE
    )
    by = _BY[level]
    KnowledgeStore.build(
        place,
        embedded_records(level),
        lambda records: encoder.encode([key_of(record, by) for record in records]),
        description,
    ).close()
