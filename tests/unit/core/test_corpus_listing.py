"""Documents and chunks as the manifest has them."""

import sqlite3
from contextlib import closing

import pytest

from core.corpus_listing import CorpusListing
from core.errors import IndexMismatchError
from core.index import SCHEMA


@pytest.fixture
def listing(tmp_path):
    with closing(sqlite3.connect(tmp_path / "manifest.sqlite")) as manifest, manifest:
        manifest.executescript(SCHEMA)
        documents = [
            ("a.md", "sha-a", 10, "indexed", "", "Äpfel", "markdown", ""),
            ("b.png", "", 20, "rejected", "holds no text", "", "", ""),
            ("uploads/c.pdf", "sha-c", 30, "indexed", "", "Pears", "pdf", "page 2 has no text"),
        ]
        for source, sha, size, status, reason, title, format, notes in documents:
            manifest.execute(
                "INSERT INTO documents VALUES (?, ?, ?, 0, 0, ?, ?, ?, '', ?, ?)",
                (source, sha, size, status, reason, title, format, notes),
            )
        for ordinal in range(3):
            manifest.execute(
                "INSERT INTO chunks (id, source, ordinal, locator, headings, start, end, text, vector_key) "
                "VALUES (?, 'a.md', ?, 'A > B', '[]', ?, ?, ?, '')",
                (str(ordinal), ordinal, ordinal * 5, ordinal * 5 + 5, f"text {ordinal}"),
            )
    return CorpusListing(tmp_path, "uploads/")


def test_documents_with_state_reason_and_chunks(listing):
    page = listing.documents("", None, 0, 10)
    assert (page.found, page.indexed, page.rejected) == (3, 2, 1)
    first, second, third = page.rows
    assert (first.source, first.chunks, first.uploaded) == ("a.md", 3, False)
    assert (second.state, second.reason) == ("rejected", "holds no text")
    assert (third.uploaded, third.notes, third.format) == (True, "page 2 has no text", "pdf")


def test_search_and_state_narrow_the_list_but_not_the_counts(listing):
    page = listing.documents("ÄPFEL", None, 0, 10)
    assert [row.source for row in page.rows] == ["a.md"]
    assert (page.found, page.indexed) == (1, 2)
    assert [row.source for row in listing.documents("", "rejected", 0, 10).rows] == ["b.png"]
    assert [row.source for row in listing.documents("", None, 1, 1).rows] == ["b.png"]


def test_chunks_in_order(listing):
    chunks, count = listing.chunks("a.md", 1, 1)
    assert count == 3
    assert [(chunk.text, chunk.start, chunk.end) for chunk in chunks] == [("text 1", 5, 10)]
    assert listing.chunks("none.md", 0, 5) == ([], 0)


def test_what_has_been_seen(listing):
    assert listing.seen(["a.md", "new.md"]) == {"a.md": ("sha-a", "indexed", "")}


def test_no_index_is_no_documents_and_a_damaged_one_an_error(tmp_path):
    (tmp_path / "begun").mkdir()
    sqlite3.connect(tmp_path / "begun" / "manifest.sqlite").execute("CREATE TABLE meta (key TEXT)").connection.close()
    assert CorpusListing(tmp_path / "begun", "uploads/").documents("", None, 0, 10).found == 0
    empty = CorpusListing(tmp_path / "none", "uploads/")
    assert empty.documents("", None, 0, 10).rows == []
    assert empty.chunks("a.md", 0, 5) == ([], 0)
    assert empty.seen(["a.md"]) == {}
    (tmp_path / "manifest.sqlite").write_bytes(b"not a database " * 200)
    with pytest.raises(IndexMismatchError, match="graft index verify"):
        CorpusListing(tmp_path, "uploads/").documents("", None, 0, 10)
