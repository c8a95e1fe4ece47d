"""Schemas that clients send: what may be used is used, what would reach outside or never end is refused."""

import time

import pytest

from core.errors import RequestError
from serve.client_schema import DEEPEST, LARGEST, check_client_schema


def nested(levels: int) -> dict:
    schema: dict = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


def row(count: int, times: int) -> dict:
    """Definitions in a row: each refers `times` times to the next."""
    links = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * times} for n in range(count)}
    return {"$ref": "#/$defs/a0", "$defs": {**links, f"a{count}": {"type": "string"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"$id": {"type": "string"}, "a": {"enum": ["$ref"]}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}},
        {"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}},
        {"$defs": {"tree": {"properties": {"left": {"$ref": "#/$defs/tree"}}}}, "items": {"$ref": "#/$defs/tree"}},
        nested(DEEPEST),
        row(20, 1),
        row(8, 2),
        {"enum": list(range(2 * LARGEST))},
    ],
)
def test_usable_schema_passes(schema):
    check_client_schema(schema)


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "nonsense"}, "invalid"),
        ({"properties": {"a": {"$ref": "http://evil.example/x"}}}, "evil.example"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "passwd"),
        ({"$ref": "#"}, "'#'"),
        ({"$ref": "#/properties/a", "properties": {"a": {}}}, "properties"),
        ({"$ref": "#/$defs/missing", "$defs": {}}, "missing"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}, "circle"),
        ({"$id": "http://evil.example/"}, "$id"),
        ({"$dynamicRef": "#a"}, "$dynamicRef"),
        (nested(DEEPEST + 1), "nested"),
        (nested(5000), "nested"),
    ],
)
def test_unusable_schema_is_refused_by_name(schema, word):
    with pytest.raises(RequestError) as caught:
        check_client_schema(schema)
    assert word in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        row(30, 2),
        # As properties, and below a definition that comes back to the beginning.
        {
            "$ref": "#/$defs/a0",
            "$defs": {
                **{
                    f"a{n}": {"properties": {"x": {"$ref": f"#/$defs/a{n + 1}"}, "y": {"$ref": f"#/$defs/a{n + 1}"}}}
                    for n in range(30)
                },
                "a30": {"properties": {"x": {"$ref": "#/$defs/a0"}}},
            },
        },
        {"properties": {f"p{n}": {} for n in range(LARGEST + 1)}},
    ],
)
def test_a_schema_whose_definitions_multiply_is_refused_before_it_is_followed(schema):
    with pytest.raises(RequestError, match="10,000 keys"):
        check_client_schema(schema)


def test_a_long_row_of_references_is_followed_once():
    count = 20_000
    links = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(count)}
    started = time.perf_counter()
    with pytest.raises(RequestError, match="10,000 keys"):
        check_client_schema({"$ref": "#/$defs/a0", "$defs": {**links, f"a{count}": {}}})
    assert time.perf_counter() - started < 5
