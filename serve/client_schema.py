"""JSON Schemas that a client sends: which ones may be decoded and validated against. Fetches nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from core.errors import RequestError

DEEPEST = 24
LARGEST = 10_000  # keys, once every reference is replaced by what it refers to
_DEFINITIONS = ("$defs", "definitions")
# They would change what a reference means, or reach outside the schema.
_UNSUPPORTED = ("$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor")


def check_client_schema(schema: dict[str, Any]) -> None:
    """Raise RequestError for a schema that is invalid, too deep or large, or refers beyond its own definitions."""
    ended: set[str] = set()
    for key, value, depth in _walk(schema):
        if depth > DEEPEST:
            raise RequestError(f"the JSON Schema is nested deeper than {DEEPEST} levels: flatten it")
        if key in _UNSUPPORTED and isinstance(value, str):
            raise RequestError(f"the JSON Schema uses {key}, which is not supported: use $ref to its own $defs")
        if key == "$ref" and isinstance(value, str):
            _check_reference(value, schema, ended)
    # A validator follows every reference each time it meets it: definitions that double would never end.
    if _expanded_size(schema) > LARGEST:
        raise RequestError(
            f"the JSON Schema has more than {LARGEST:,} keys once its references are followed: use fewer definitions "
            "that refer to others several times"
        )
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise RequestError(f"the JSON Schema is invalid: {error.message[:200]}") from error
    try:
        # Definitions that come back to themselves without a step into the value do so whatever the value is.
        Draft202012Validator(schema).is_valid(None)
    except RecursionError as error:
        raise RequestError("the JSON Schema's definitions refer to each other without end: break the circle") from error


def _check_reference(reference: str, schema: dict[str, Any], ended: set[str]) -> None:
    """A reference must name a definition at the top level, and following it must come to an end.

    `ended` holds those that are known to; what is found is added.
    """
    seen: set[str] = set()
    while reference not in ended:
        target = _target(reference, schema)
        if not isinstance(target, (dict, bool)):
            raise RequestError(f"the JSON Schema refers to '{reference[:100]}': only its own '#/$defs/...' can be used")
        if reference in seen:
            raise RequestError(f"the JSON Schema's reference '{reference[:100]}' refers to itself only")
        seen.add(reference)
        following = target.get("$ref") if isinstance(target, dict) else None
        if not isinstance(following, str):
            break
        reference = following
    ended |= seen


def _target(reference: str, schema: dict[str, Any]) -> Any:
    """The definition that a reference names; None where there is none."""
    parts = reference.split("/")
    if len(parts) != 3 or parts[0] != "#" or parts[1] not in _DEFINITIONS:
        return None
    definitions = schema.get(parts[1])
    return definitions.get(parts[2]) if isinstance(definitions, dict) else None


def _expanded_size(schema: dict[str, Any]) -> int:
    """How many keys the schema has once each reference is replaced by its definition, up to a little over LARGEST.

    Each definition is looked at once. Where one leads back to itself nothing is added: such schemas end with the value.
    """
    sizes: dict[str, int] = {}
    begun = {"#"}
    # Without recursion: definitions may refer to each other in a row of any length.
    open_schemas = [_Open("#", *_own_size(schema))]
    while open_schemas:
        current = open_schemas[-1]
        reference = next(current.references, None)
        if reference is None:
            sizes[current.name] = min(current.size, LARGEST + 1)
            open_schemas.pop()
            if open_schemas:
                open_schemas[-1].size += sizes[current.name]
        elif reference in begun:
            current.size += sizes.get(reference, 0)
        else:
            begun.add(reference)
            open_schemas.append(_Open(reference, *_own_size(_target(reference, schema))))
    return sizes["#"]


@dataclass
class _Open:
    """A definition that is being counted: its size so far, and the references that are still to be added."""

    name: str
    size: int
    references: Iterator[str]


def _own_size(schema: Any) -> tuple[int, Iterator[str]]:
    """The keys of a definition as it is written, and its references."""
    keys = [(key, value) for key, value, _ in _walk(schema)]
    return len(keys), iter([value for key, value in keys if key == "$ref" and isinstance(value, str)])


def _walk(value: Any) -> Iterator[tuple[str, Any, int]]:
    """Every key of every object, with its value and depth; without recursion, since depth is what is checked."""
    open_values: list[tuple[Any, int]] = [(value, 0)]
    while open_values:
        current, depth = open_values.pop()
        if isinstance(current, dict):
            for key, item in current.items():
                yield str(key), item, depth
                open_values.append((item, depth + 1))
        elif isinstance(current, list):
            open_values += [(item, depth + 1) for item in current]
