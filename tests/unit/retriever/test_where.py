"""Filters: what they let through, and what is said about a wrong one."""

import sqlite3

import pytest

from core.errors import RetrievalError
from core.index import SCHEMA
from retriever.where import compile_where, parse_conditions


@pytest.fixture(scope="module")
def chunks():
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    for number, (source, format, page, headings) in enumerate(
        [
            ("manuals/pump.pdf", "pdf", 1, '["Pump", "Safety"]'),
            ("manuals/pump.pdf", "pdf", 4, '["Pump", "Parts"]'),
            ("notes [1].md", "md", None, '["Safety first"]'),
            ("manual's.md", "md", None, "[]"),
        ],
        start=1,
    ):
        connection.execute(
            "INSERT OR IGNORE INTO documents VALUES (?, '', 0, 0, 0, 'indexed', '', 'T', '', ?, '')", (source, format)
        )
        connection.execute(
            "INSERT INTO chunks (number, id, source, ordinal, locator, headings, start, end, page, text, vector_key) "
            "VALUES (?, ?, ?, ?, '', ?, 0, 1, ?, 't', 'k')",
            (number, str(number), source, number, headings, page),
        )
    return connection


def passing(chunks, where, corpus="c"):
    condition, values = compile_where(where, corpus)
    query = f"SELECT c.number FROM chunks c JOIN documents d ON d.source = c.source WHERE {condition} ORDER BY 1"
    return [number for (number,) in chunks.execute(query, values)]


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ({}, [1, 2, 3, 4]),
        ({"source": "manuals/pump.pdf"}, [1, 2]),
        ({"source": "manuals/*"}, [1, 2]),
        ({"source": "*.md"}, [3, 4]),
        ({"source": "notes [1].*"}, [3]),
        ({"source": "manual's.md"}, [4]),
        ({"format": "pdf", "page": {"$gte": 3}}, [2]),
        ({"page": 1}, [1]),
        ({"page": {"$ne": 1}}, [2, 3, 4]),
        ({"page": {"$gt": 1, "$lt": 9}}, [2]),
        ({"source": {"$in": ["manual's.md", "notes*"]}}, [3, 4]),
        ({"source": {"$nin": ["manuals/*"]}}, [3, 4]),
        ({"source": {"$in": []}}, []),
        ({"headings": "Safety*"}, [1, 3]),
        ({"headings": "Safety"}, [1]),
        ({"corpus": "c"}, [1, 2, 3, 4]),
        ({"corpus": {"$ne": "c"}}, []),
        ({"$or": [{"page": 4}, {"$and": [{"format": "md"}, {"headings": "Safety first"}]}]}, [2, 3]),
    ],
)
def test_lets_through(chunks, where, numbers):
    assert passing(chunks, where) == numbers


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"colour": "red"}, "cannot filter by 'colour': use corpus, source, format"),
        ({"page": "three"}, "'page' needs a number"),
        ({"page": True}, "'page' needs a number"),
        ({"source": 3}, "'source' needs a text"),
        ({"source": {"$gt": "a"}}, r"\$gt compares numbers \(page"),
        ({"source": {"$like": "a"}}, r"knows no '\$like': use \$eq"),
        ({"page": {"$in": 3}}, r"\$in needs a list"),
        ({"page": {}}, "says nothing"),
        ({"$or": []}, r"\$or needs a list"),
        ({"$or": ["page"]}, "hold filters"),
    ],
)
def test_a_wrong_filter_is_explained(where, message):
    with pytest.raises(RetrievalError, match=message):
        compile_where(where, "c")


@pytest.mark.parametrize(
    ("texts", "where"),
    [
        ([], {}),
        (["source=manuals/*"], {"source": "manuals/*"}),
        (["page>=3", "page < 9"], {"$and": [{"page": {"$gte": 3}}, {"page": {"$lt": 9}}]}),
        (["format=pdf", "format=md"], {"format": {"$in": ["pdf", "md"]}}),
        (["title!=a=b"], {"title": {"$ne": "a=b"}}),
    ],
)
def test_conditions_of_the_command_line(texts, where):
    assert parse_conditions(texts) == where


@pytest.mark.parametrize("text", ["source", "=x", "page=three"])
def test_a_wrong_condition_is_explained(text):
    with pytest.raises(RetrievalError, match=r"KEY=VALUE|no number"):
        parse_conditions([text])
