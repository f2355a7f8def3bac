"""Fields of a row by any of their usual names, with errors that name what was looked for."""

from collections.abc import Mapping
from typing import Any

PROBLEM = ("problem", "question", "prompt", "input", "Problem", "Question")
ID = ("id", "unique_id", "idx", "ID", "question_id", "uuid")


class RowFault(ValueError):
    """A row that cannot be used; the text says which field, and why."""


def first_of(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first of the named fields that is there and not null; ``None`` if none is."""
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def text_of(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of the named fields, which must be a text that says something.

    Raises:
        RowFault: none is there, or it is no text.
    """
    value = first_of(fields, names)
    if value is None:
        raise RowFault(f"none of the fields {', '.join(names)} is there")
    if not isinstance(value, str) or not value.strip():
        raise RowFault(f"the field {_name_of(fields, names)} is {value!r:.40}, not a text")
    return value


def number_text(value: Any, name: str) -> str:
    """A reference answer as text: 51.0 is ``51``.

    Raises:
        RowFault: it is neither text nor number.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise RowFault(f"the field {name} is {value!r:.40}, no answer")
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise RowFault(f"the field {name} is {value}, no number")
        return repr(int(value)) if value == int(value) else repr(value)
    return str(value)


def _name_of(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next(name for name in names if fields.get(name) is not None)
