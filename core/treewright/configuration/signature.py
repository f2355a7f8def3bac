"""The options of a component, read from its constructor's signature.

pydantic checks values against annotations; it is imported when the first value is checked, so
that listings stay light.
"""

import functools
import inspect
import json
import typing
from dataclasses import dataclass
from typing import Any

from treewright.configuration.complaints import Complaints, nearest
from treewright.configuration.nodes import Node, Place, described

MISSING: Any = inspect.Parameter.empty
RESERVED = ("use", "call", "roles")  # keys of a component's block that are not its options


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a component.

    Attributes:
        name: the keyword.
        annotation: its type.
        default: ``MISSING`` for required options.
    """

    name: str
    annotation: Any
    default: Any = MISSING

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING

    @property
    def type_name(self) -> str:
        """The annotation as people write it."""
        return type_name(self.annotation)

    def __str__(self) -> str:
        if self.required:
            return f"{self.name} ({self.type_name})"
        return f"{self.name} ({self.type_name} = {_as_written(self.default)})"


class BadSignature(Exception):
    """A constructor that cannot serve as a schema; the text says why and how to repair it."""


def options_of(component: type[Any]) -> dict[str, Option]:
    """Name → option, in the constructor's order.

    Raises:
        BadSignature: a parameter is not keyword-only, not annotated, or has a reserved name.
    """
    constructor = component.__init__
    if constructor is object.__init__:
        return {}
    parameters = list(inspect.signature(constructor).parameters.values())[1:]
    try:
        annotations = typing.get_type_hints(constructor, include_extras=True)
    except Exception as error:
        raise BadSignature(f"an annotation cannot be resolved: {error}") from error
    for parameter in parameters:
        _check_parameter(parameter, annotations)
    return {item.name: Option(item.name, annotations[item.name], item.default) for item in parameters}


def _check_parameter(parameter: inspect.Parameter, annotations: dict[str, Any]) -> None:
    if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
        raise BadSignature(f"parameter '{parameter.name}' is not keyword-only; put '*' before it")
    if parameter.name not in annotations:
        raise BadSignature(f"parameter '{parameter.name}' has no type annotation")
    if parameter.name in RESERVED:
        raise BadSignature(f"parameter '{parameter.name}' has a reserved name ({', '.join(RESERVED)})")


def adapter(annotation: Any) -> Any:
    """The ``TypeAdapter`` (pydantic) of an annotation.

    Raises:
        BadSignature: pydantic knows no rule for the annotation.
    """
    try:
        return _cached_adapter(annotation)
    except TypeError:  # an annotation with unhashable metadata
        return _adapter(annotation)


def _adapter(annotation: Any) -> Any:
    from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(annotation)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise BadSignature(f"type {type_name(annotation)} cannot be read from YAML") from error


_cached_adapter = functools.cache(_adapter)


def check_types(options: dict[str, Option]) -> None:
    """See that every option's type can be read from YAML.

    Raises:
        BadSignature: one cannot.
    """
    for option in options.values():
        try:
            adapter(option.annotation)
        except BadSignature as error:
            raise BadSignature(f"parameter '{option.name}': {error}") from error


def read_options(
    owner: str, options: dict[str, Option], block: Node, place: Place, complaints: Complaints
) -> dict[str, Any]:
    """Checked values of all options, defaults filled in.

    Args:
        owner: whose options, for messages.
        options: what there is.
        block: the mapping that sets them; reserved keys in it are left alone.
        place: where to complain of missing ones.
        complaints: takes what is wrong.
    """
    values: dict[str, Any] = {}
    for key, node in block.items():
        if key in options:
            values[key] = _checked(owner, options[key], node, complaints)
        elif key not in RESERVED:
            _unknown(owner, options, key, block.key_place(key), complaints)
    for option in options.values():
        if option.name not in values:
            if option.required:
                complaints.add(place, f"{owner}: option '{option.name}' is required ({option.type_name})")
            values[option.name] = option.default
    return {name: values[name] for name in options}


def _unknown(owner: str, options: dict[str, Option], key: str, place: Place, complaints: Complaints) -> None:
    close = nearest(key, options)
    what = f"{owner}: unknown option '{key}'"
    if close:
        complaints.add(place, f"{what}; did you mean '{close}'? {_signature_part(options[close])}")
    else:
        known = ", ".join(str(option) for option in options.values())
        complaints.add(place, what, f"known options: {known or 'none'}")


def _signature_part(option: Option) -> str:
    return str(option).removeprefix(f"{option.name} ")


def _checked(owner: str, option: Option, node: Node, complaints: Complaints) -> Any:
    from pydantic import ValidationError

    try:
        # JSON mode, strictly: a list may become a tuple and text a path, but '3' is no number
        return adapter(option.annotation).validate_json(json.dumps(node.plain()), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False)[:1]:
            _mistyped(owner, option, node, detail, complaints)
        return option.default


def _mistyped(owner: str, option: Option, node: Node, detail: Any, complaints: Complaints) -> None:
    inner = node.at(detail["loc"])
    what = f"{owner}: option '{option.name}' must be {option.type_name}, not {described(inner.plain())}"
    if inner is not node or not detail["type"].endswith(("_type", "_from_float", "literal_error")):
        what = f"{owner}: option '{option.name}' ({option.type_name}): {_lower_first(detail['msg'])}"
        what += f", not {described(inner.plain())}"
    complaints.add(inner.place, what)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def as_plain(option: Option, value: Any) -> Any:
    """The value as JSON would hold it; reading it again gives the value back."""
    return adapter(option.annotation).dump_python(value, mode="json", warnings=False)


def type_name(annotation: Any) -> str:
    """The annotation as people write it: ``int``, ``str | None``, ``'a' | 'b'``."""
    if annotation is None or annotation is type(None):
        return "null"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(_as_written(argument) for argument in arguments)
    if origin is typing.Annotated:
        return type_name(arguments[0])
    if origin is not None and str(origin).endswith(("Union", "UnionType'>")):
        return " | ".join(type_name(argument) for argument in arguments)
    if origin is not None and arguments:
        inner = ", ".join("…" if item is Ellipsis else type_name(item) for item in arguments)
        return f"{getattr(origin, '__name__', origin)}[{inner}]".lower()
    return getattr(annotation, "__name__", str(annotation))


def _as_written(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float | str):
        return repr(value)
    return str(value)
