"""What a filled configuration says of a run's answers, and what differs between two of them."""

import json
from collections.abc import Iterator
from typing import Any

from treewright.configuration.complaints import Complaints
from treewright.configuration.reader import read_mapping

#: top keys that change no answer: a run may be resumed with others
_ANSWERS_UNCHANGED = ("versions", "live", "summary")
_ABSENT = object()


def differences(before: str, after: str, label: str = "config.yaml") -> list[str]:
    """Lines ``search.width: 4 -> 8``, in the order of the keys; empty if both give the same answers.

    How components are called (``call``) and how many problems are live is left out.

    Args:
        before: a filled configuration as YAML text.
        after: the other one.
        label: where ``before`` was read, for messages.

    Raises:
        ConfigurationError: ``before`` is no configuration any more.
    """
    old, new = settings(before, label), settings(after)
    keys = dict.fromkeys([*old, *new])
    return [
        f"{key}: {_shown(old.get(key, _ABSENT))} -> {_shown(new.get(key, _ABSENT))}"
        for key in keys
        if old.get(key, _ABSENT) != new.get(key, _ABSENT)
    ]


def settings(filled: str, label: str = "config.yaml") -> dict[str, Any]:
    """Dotted path → value of all that a filled configuration says of a run's answers.

    Args:
        filled: the configuration as YAML text.
        label: where it was read, for messages.

    Raises:
        ConfigurationError: it is no configuration.
    """
    complaints = Complaints()
    node = read_mapping(filled, label, complaints)
    complaints.raise_if_any()
    assert node is not None
    plain = {key: value for key, value in node.plain().items() if key not in _ANSWERS_UNCHANGED}
    return dict(_leaves(plain, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield path, value
        return
    for key, child in value.items():
        if not (key == "call" and "use" in value):
            yield from _leaves(child, f"{path}.{key}" if path else key)


def _shown(value: Any) -> str:
    return "absent" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
