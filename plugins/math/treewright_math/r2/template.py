"""The abstract template of a problem: what kind it is, without its numbers and names. Its text is the coarse query.

Written by the policy itself, which is asked for a JSON object and read leniently. The rule that stands in for it is the
knowledge base's own, ``retrieval.templates.masked_template``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

INSTRUCTION: Final = (
    "Do not solve this problem. Describe what kind of problem it is, without its numbers and names, as a JSON object "
    'with the keys "problem_type", "key_terms", "conditions" and "strategy". Write the JSON object and nothing else.'
)

_FIELDS = ("problem_type", "key_terms", "conditions", "strategy")
_LINE = re.compile(r"^\W*([A-Za-z][A-Za-z _-]{2,24}?)\W*:\s*(.+)$")
_LONGEST = 2000  # letters of a query
_LONGEST_READ = 8000


class Template(NamedTuple):
    """What is left of a problem when numbers and names are taken out.

    Attributes:
        problem_type: e.g. ``rate problem``; empty if unknown.
        key_terms: the words that tell what it is about.
        conditions: what is given.
        strategy: how such problems are solved.
    """

    problem_type: str
    key_terms: str
    conditions: str
    strategy: str

    @property
    def query(self) -> str:
        """All of it as one text."""
        return " ".join(part for part in self if part)[:_LONGEST]


def parsed(text: str) -> Template | None:
    """The template in what a policy wrote; ``None`` if there is none.

    Taken are the first JSON object that has one of the keys, whatever stands around it; else lines of the form
    ``key: value``, as of an object that was cut off. Keys may be spelt with spaces, dashes and capitals, values may be
    lists.
    """
    text = text[:_LONGEST_READ]
    for fields in (*_objects(text), _lines(text)):
        found = {_plain(key): _flat(value) for key, value in fields.items()}
        values = [found.get(field, "") for field in _FIELDS]
        if any(values):
            return Template(*values)
    return None


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    decoder = json.JSONDecoder()
    for place in (match.start() for match in re.finditer("{", text)):
        try:
            value, _ = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, Mapping):
            yield value


def _lines(text: str) -> dict[str, str]:
    matches = (_LINE.match(line) for line in text.split("\n"))
    return {match[1]: match[2].strip(' *_`",') for match in matches if match and re.search("[A-Za-z]", match[2])}


def _plain(key: str) -> str:
    return re.sub(r"[ _-]+", "_", key.strip()).lower()


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Mapping):
        value = list(value.values())
    return " ".join(filter(None, map(_flat, value))) if isinstance(value, list) else ""
