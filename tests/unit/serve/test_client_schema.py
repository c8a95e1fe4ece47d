"""Schemas that clients send: what may be used is used, what would reach outside or never end is refused."""

import pytest

from core.errors import RequestError
from serve.client_schema import DEEPEST, check_client_schema


def nested(levels: int) -> dict:
    schema: dict = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"$id": {"type": "string"}, "a": {"enum": ["$ref"]}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}},
        {"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}},
        {"$defs": {"tree": {"properties": {"left": {"$ref": "#/$defs/tree"}}}}, "items": {"$ref": "#/$defs/tree"}},
        nested(DEEPEST),
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
