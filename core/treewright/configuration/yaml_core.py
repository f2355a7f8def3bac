"""YAML 1.2 core scalars on top of PyYAML, whose own rules are those of YAML 1.1.

So ``no`` is text, ``1e-3`` a number, ``3:30`` and ``2024-01-01`` text. The dumper quotes whatever
either version would read as something other than text.
"""

import math
import re
from typing import Any

import yaml

from treewright.configuration.nodes import Scalar

DEEPEST = 64  # levels of nesting; far above need, far below the interpreter's recursion limit

_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_STR = "tag:yaml.org,2002:str"
_CORE = {
    _NULL: re.compile(r"~|null|Null|NULL|"),
    _BOOL: re.compile(r"true|True|TRUE|false|False|FALSE"),
    _INT: re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    _FLOAT: re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
}
PLAIN_TAGS = frozenset({*_CORE, _STR, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


# PyYAML's stubs leave some methods untyped, hence the ignores
class CoreLoader(yaml.SafeLoader):
    """Composes nodes whose scalars are tagged by the rules of YAML 1.2 core."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """The tag of a node; PyYAML calls this."""
        if kind is yaml.ScalarNode and implicit[0]:
            return next((tag for tag, rule in _CORE.items() if rule.fullmatch(value)), _STR)
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return tag

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As in PyYAML, but refuses nesting that would exhaust the stack."""
        if self._depth >= DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"nested more than {DEEPEST} levels deep", problem_mark=mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def scalar(tag: str, text: str) -> Scalar:
    """The value of a scalar.

    Raises:
        ValueError: an integer with more digits than Python converts.
    """
    if tag == _NULL:
        return None
    if tag == _BOOL:
        return text.lower() == "true"
    if tag == _INT:
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if tag == _FLOAT:
        return _float(text.lower())
    return text


def _float(text: str) -> float:
    if text.endswith("inf"):
        return -math.inf if text.startswith("-") else math.inf
    return math.nan if text == ".nan" else float(text)


class _CoreDumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or 1.2 would read as something else."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        if tag == _STR and kind is yaml.ScalarNode and implicit[0]:
            return next((tag for tag, rule in _CORE.items() if rule.fullmatch(value)), _STR)
        return tag

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(value: Any) -> str:
    """Plain values as YAML text, keys in the given order."""
    text: str = yaml.dump(
        value, Dumper=_CoreDumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )
    return text
