"""JSON: cut between members and items, each with its path, nothing lost."""

import json
from dataclasses import replace

import pytest

from ingest.chunks import make_chunks
from ingest.json_text import json_document


def count(texts):
    return [len(text) // 4 + 1 for text in texts]


def chunks_of(value, limit=160):
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text, make_chunks(replace(json_document(text), format="json"), limit, count)


PRODUCTS = {
    "title": "Catalogue",
    "products": [
        {"sku": f"PW-{n}", "name": f"Battery number {n}", "weight": {"value": n, "unit": "kg"}} for n in range(40)
    ],
    "limits": {f"device {n}": {"low": n, "high": n * 2, "note": "x" * 150} for n in range(9)},
    "edition": "11",
}


def test_objects_are_never_torn():
    _, chunks = chunks_of(PRODUCTS)
    inside = [chunk for chunk in chunks if chunk.place.startswith("products[")]
    assert len(inside) > 5
    for chunk in inside:
        assert chunk.text.count('"sku"') == chunk.text.count('"unit"')


def test_paths_count_items_and_name_members():
    _, chunks = chunks_of(PRODUCTS)
    seen = []
    for chunk in chunks:
        if chunk.place.startswith("products["):
            first, _, last = chunk.place.removeprefix("products[").rstrip("]").partition("-")
            numbers = range(int(first), int(last or first) + 1)
            assert all(f'"PW-{n}"' in chunk.text for n in numbers)
            seen += numbers
    assert seen == list(range(40))
    limits = [chunk for chunk in chunks if chunk.headings == ("limits",)]
    assert limits[0].place.startswith("limits > device 0")


def test_keys_above_are_headings_and_end_with_their_value():
    _, chunks = chunks_of(PRODUCTS)
    assert {chunk.headings for chunk in chunks} == {(), ("products",), ("limits",)}
    assert chunks[0].text.startswith("{")
    assert chunks[-1].headings == ()
    assert '"edition": "11"' in chunks[-1].text


def test_text_is_verbatim_with_lines_and_complete():
    text, chunks = chunks_of(PRODUCTS)
    lines = text.split("\n")
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.text.split("\n")[0].strip() in lines[chunk.first_line - 1]
        assert chunk.text.split("\n")[-1].strip() in lines[chunk.last_line - 1]
    assert "".join("".join(c.text for c in chunks).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "value", [[], {}, "text", 5, None, [[[["deep"]]]], {"a": {"b": {"c": ["x" * 3000]}}}, ["y" * 900, 1]]
)
def test_every_shape_is_covered(value):
    text, chunks = chunks_of(value)
    assert "".join("".join(c.text for c in chunks).split()) == "".join(text.split())


@pytest.mark.parametrize("text", ["{", '{"a": 1} {"b": 2}', "// comment\n{}", '{"a": 1,}'])
def test_what_is_no_json_says_so(text):
    with pytest.raises(ValueError, match=r"line \d|more than one|Expecting|char"):
        json_document(text)
