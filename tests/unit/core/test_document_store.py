"""Documents for readers: only what is indexed, only where it was ingested, only while it is what was indexed."""

import os

import pytest

from core.document_store import MOST_CHUNKS, DocumentStore
from core.errors import RequestError
from tests.support.index_files import write_index

TEXT = "The first forty characters stand here…. " + "Then come forty more, and they end here."


@pytest.fixture
def corpus(tmp_path):
    root = tmp_path / "corpus"
    (root / "manuals").mkdir(parents=True)
    (root / "manuals" / "pump.md").write_text(TEXT)
    (root / "secret.md").write_text("not indexed")
    (tmp_path / "outside.md").write_text("outside")
    write_index(tmp_path / "corpora" / "things", root, {"manuals/pump.md": "markdown"})
    return tmp_path


@pytest.fixture
def store(corpus):
    return DocumentStore(corpus / "corpora")


def test_an_indexed_document_is_found_with_its_bytes_and_text(store):
    document = store.find("things", "manuals/pump.md")
    assert (document.title, document.format) == ("Title of manuals/pump.md", "markdown")
    assert document.content() == TEXT.encode()
    pieces, whole = document.pieces()
    assert whole
    assert [(piece.start, piece.text, piece.place) for piece in pieces] == [
        (0, TEXT[:40], "page 1"),
        (40, TEXT[40:], "page 2"),
    ]


@pytest.mark.parametrize("source", ["secret.md", "../outside.md", "manuals/../manuals/pump.md", "", "/etc/passwd"])
def test_what_is_not_indexed_is_not_there(store, source):
    with pytest.raises(RequestError, match="no document"):
        store.find("things", source)


@pytest.mark.parametrize("corpus_name", ["nothing", "..", "", "things/..", "things/generations"])
def test_an_unknown_corpus_is_named(store, corpus_name):
    with pytest.raises(RequestError, match="no corpus"):
        store.find(corpus_name, "manuals/pump.md")


def test_a_changed_or_missing_file_is_not_handed_out_but_its_text_is(store, corpus):
    path = corpus / "corpus" / "manuals" / "pump.md"
    document = store.find("things", "manuals/pump.md")
    path.write_text(TEXT.replace("first", "First"))
    assert document.content() is None
    path.unlink()
    assert document.content() is None
    assert document.pieces()[0][0].text == TEXT[:40]


def test_a_file_that_became_a_link_out_or_a_fifo_is_not_read(store, corpus):
    path = corpus / "corpus" / "manuals" / "pump.md"
    (corpus / "outside.md").write_text(TEXT)
    path.unlink()
    path.symlink_to(corpus / "outside.md")
    assert store.find("things", "manuals/pump.md").content() is None
    path.unlink()
    os.mkfifo(path)
    assert store.find("things", "manuals/pump.md").content() is None


def test_a_link_inside_the_corpus_is_followed(store, corpus):
    path = corpus / "corpus" / "manuals" / "pump.md"
    path.rename(corpus / "corpus" / "moved.md")
    path.symlink_to(corpus / "corpus" / "moved.md")
    assert store.find("things", "manuals/pump.md").content() == TEXT.encode()


def test_a_root_that_is_a_file_is_its_own_document(tmp_path):
    (tmp_path / "notes.md").write_text(TEXT)
    files = write_index(tmp_path / "corpora" / "one", tmp_path, {"notes.md": "markdown"})
    files.write_roots([tmp_path / "notes.md"])
    assert DocumentStore(tmp_path / "corpora").find("one", "notes.md").content() == TEXT.encode()


def test_without_known_roots_there_is_only_text(store, corpus):
    (corpus / "corpora" / "things" / "roots.json").unlink()
    document = store.find("things", "manuals/pump.md")
    assert document.content() is None
    assert len(document.pieces()[0]) == 2


def test_a_long_document_is_cut_around_the_place(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    (root / "long.txt").write_text("x" * (10 * (MOST_CHUNKS + 100)))
    write_index(tmp_path / "corpora" / "long", root, {"long.txt": "text"}, cut=10)
    document = DocumentStore(tmp_path / "corpora").find("long", "long.txt")
    for around in (0, 3000, 10 * (MOST_CHUNKS + 100) - 5):
        pieces, whole = document.pieces(around)
        assert not whole
        assert len(pieces) == MOST_CHUNKS
        assert pieces[0].start <= around < pieces[-1].end
