"""All complaints about a configuration, gathered so that one run shows them all."""

import difflib
from collections.abc import Iterable

from treewright.configuration.nodes import Place
from treewright_registry import ConfigurationError

_INDENT = "\n    "


class Complaints:
    """Collects complaints; ``raise_if_any`` turns them into one ``ConfigurationError``."""

    def __init__(self) -> None:
        self._found: list[tuple[Place, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: Place, what: str, *more: str) -> None:
        """Note that ``what`` is wrong at ``place``; ``more`` are lines of help below it."""
        complaint = (place, _INDENT.join([what, *more]))
        if complaint not in self._found:
            self._found.append(complaint)

    def raise_if_any(self) -> None:
        """Raise what was found, file by file and from top to bottom.

        Raises:
            ConfigurationError: there is at least one complaint.
        """
        if not self._found:
            return
        order = list(dict.fromkeys(place.source for place, _ in self._found))
        ranked = sorted(self._found, key=lambda item: (order.index(item[0].source), item[0].line, item[0].column))
        raise ConfigurationError("\n".join(f"{place}: {text}" for place, text in ranked))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, if any is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return close[0] if close else None


def hints(word: str, known: Iterable[str], plural: str) -> list[str]:
    """Lines of help for an unknown word: a did-you-mean if one is close, and the known words."""
    names = list(known)
    close = nearest(word, names)
    lines = [f"did you mean '{close}'?"] if close else []
    return [*lines, f"known {plural}: {', '.join(names) or 'none'}"]
