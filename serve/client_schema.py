"""JSON Schemas that a client sends: which ones may be decoded and validated against. Fetches nothing."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from core.errors import RequestError

DEEPEST = 24
_DEFINITIONS = ("$defs", "definitions")
# They would change what a reference means, or reach outside the schema.
_UNSUPPORTED = ("$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor")


def check_client_schema(schema: dict[str, Any]) -> None:
    """Raise RequestError for a schema that is invalid, too deep, or refers to anything but its own definitions."""
    for key, value, depth in _walk(schema):
        if depth > DEEPEST:
            raise RequestError(f"the JSON Schema is nested deeper than {DEEPEST} levels: flatten it")
        if key in _UNSUPPORTED and isinstance(value, str):
            raise RequestError(f"the JSON Schema uses {key}, which is not supported: use $ref to its own $defs")
        if key == "$ref" and isinstance(value, str):
            _check_reference(value, schema)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise RequestError(f"the JSON Schema is invalid: {error.message[:200]}") from error
    try:
        # Definitions that come back to themselves without a step into the value do so whatever the value is.
        Draft202012Validator(schema).is_valid(None)
    except RecursionError as error:
        raise RequestError("the JSON Schema's definitions refer to each other without end: break the circle") from error


def _check_reference(reference: str, schema: dict[str, Any]) -> None:
    """A reference must name a definition at the top level, and following it must come to an end."""
    seen: list[str] = []
    while True:
        parts = reference.split("/")
        known = len(parts) == 3 and parts[0] == "#" and parts[1] in _DEFINITIONS
        target = schema.get(parts[1], {}).get(parts[2]) if known and isinstance(schema.get(parts[1]), dict) else None
        if not isinstance(target, (dict, bool)):
            raise RequestError(f"the JSON Schema refers to '{reference[:100]}': only its own '#/$defs/...' can be used")
        if reference in seen:
            raise RequestError(f"the JSON Schema's reference '{reference[:100]}' refers to itself only")
        seen.append(reference)
        following = target.get("$ref") if isinstance(target, dict) else None
        if not isinstance(following, str):
            return
        reference = following


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
