"""Sync: what happens to the index when files come, change, move and go; with real parsers, Chroma and SQLite."""

import os
import shutil

import pytest

from core.errors import IngestError, MassDeletionError
from ingest.lock import writer_lock
from ingest.pool import Parsed, ParserPool
from tests.support.corpora import (
    HashEmbedder,
    chunks_of,
    corpus_dir,
    ingest,
    page,
    served,
    settle,
    sources_of,
    write_pages,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def corpus(tmp_path):
    return write_pages(tmp_path / "corpus")


def counts(report):
    return {
        name: value
        for name in ("indexed", "updated", "renamed", "skipped", "deleted")
        if (value := getattr(report, name))
    }


def test_add_change_rename_delete(corpus, tmp_path):
    embedder = HashEmbedder()
    stages = set()
    first = ingest(corpus, tmp_path, embedder, on_progress=lambda stage, done, total: stages.add(stage))
    assert counts(first) == {"indexed": 6}
    assert (first.found, first.chunks, first.embedded) == (6, 12, 12)
    assert stages == {"parse", "embed", "store"}

    embedder.embedded = 0
    again = ingest(corpus, tmp_path, embedder)
    assert counts(again) == {"skipped": 6}
    assert embedder.embedded == 0

    (corpus / "sub" / "page0.md").write_text("# Page 0\n\nNew text.\n")
    (corpus / "sub" / "page1.md").rename(corpus / "renamed.md")
    (corpus / "sub" / "page2.md").unlink()
    os.utime(corpus / "sub" / "page3.md")
    (corpus / "new.md").write_text("# New\n\nA new page.\n")
    third = ingest(corpus, tmp_path, embedder)
    assert counts(third) == {"indexed": 1, "updated": 1, "renamed": 1, "skipped": 3, "deleted": 1}
    assert (third.found, embedder.embedded) == (6, 2)
    assert sources_of(tmp_path) == {"new.md", "renamed.md", *(f"sub/page{n}.md" for n in (0, 3, 4, 5))}
    assert third.chunks == len(chunks_of(tmp_path)) == 10


def test_report_tells_what_was_parsed_and_nothing_is_twice(corpus, tmp_path):
    steps = []
    ingest(corpus, tmp_path, on_step=lambda step, detail: steps.append((step, detail)))
    acknowledged = [detail for step, detail in steps if step == "document acknowledged"]
    assert sorted(acknowledged) == [f"sub/page{n}.md" for n in range(6)]
    names = [step for step, _ in steps]
    order = ["manifest opened", "generation started", "snapshot written", "chroma verified", "pointer written"]
    assert [name for name in names if name in order] == order


def test_a_moved_folder_is_neither_parsed_nor_embedded(corpus, tmp_path):
    ingest(corpus, tmp_path)
    before = {row[3]: row for row in chunks_of(tmp_path)}
    (corpus / "sub").rename(corpus / "moved")
    embedder, stages = HashEmbedder(), []
    report = ingest(corpus, tmp_path, embedder, on_progress=lambda stage, *_: stages.append(stage))
    assert counts(report) == {"renamed": 6}
    assert embedder.embedded == 0
    assert "parse" not in stages
    after = chunks_of(tmp_path)
    assert {row[1] for row in after} == {f"moved/page{n}.md" for n in range(6)}
    for identity, _, locator, text, start, end, number in after:
        assert before[text][2:] == (locator, text, start, end, number)
        assert identity != before[text][0]


def test_renamed_and_fresh_index_are_the_same(corpus, tmp_path):
    ingest(corpus, tmp_path)
    (corpus / "sub" / "page1.md").rename(corpus / "other.md")
    (corpus / "sub" / "page2.md").write_text(page(2, "More words."))
    shutil.copy(corpus / "sub" / "page3.md", corpus / "copy.md")
    ingest(corpus, tmp_path)
    fresh = tmp_path / "fresh"
    ingest(corpus, fresh)
    assert chunks_of(tmp_path) == chunks_of(fresh)


def test_a_copy_is_indexed_under_both_names_and_embedded_once(corpus, tmp_path):
    ingest(corpus, tmp_path)
    shutil.copy(corpus / "sub" / "page3.md", corpus / "copy.md")
    embedder, stages = HashEmbedder(), []
    report = ingest(corpus, tmp_path, embedder, on_progress=lambda stage, *_: stages.append(stage))
    assert counts(report) == {"indexed": 1, "skipped": 6}
    assert embedder.embedded == 0
    assert "parse" not in stages
    texts = {source: [row[3] for row in chunks_of(tmp_path) if row[1] == source] for source in sources_of(tmp_path)}
    assert texts["copy.md"] == texts["sub/page3.md"] != []
    # Both of a kind at once: parsed twice, embedded once.
    (corpus / "x.md").write_text("# X\n\nThe same.\n")
    (corpus / "y.md").write_text("# X\n\nThe same.\n")
    assert ingest(corpus, tmp_path, embedder).indexed == 2
    assert embedder.embedded == 1


def test_a_file_that_takes_the_content_of_another(corpus, tmp_path):
    ingest(corpus, tmp_path)
    shutil.copy(corpus / "sub" / "page3.md", corpus / "sub" / "page0.md")
    embedder = HashEmbedder()
    report = ingest(corpus, tmp_path, embedder)
    assert counts(report) == {"updated": 1, "skipped": 5}
    assert embedder.embedded == 0
    texts = {source: [row[3] for row in chunks_of(tmp_path) if row[1] == source] for source in sources_of(tmp_path)}
    assert texts["sub/page0.md"] == texts["sub/page3.md"] != []


def test_only_what_changed_of_a_document_is_written_again(corpus, tmp_path):
    import sqlite3
    from contextlib import closing

    from core.index import CorpusFiles

    def numbers():
        with closing(sqlite3.connect(CorpusFiles(corpus_dir(tmp_path)).manifest)) as manifest:
            return dict(manifest.execute("SELECT text, number FROM chunks WHERE source = 'sub/page0.md'").fetchall())

    ingest(corpus, tmp_path)
    before = numbers()
    path = corpus / "sub" / "page0.md"
    path.write_text(path.read_text() + "\n## End\n\nAn end.\n")
    ingest(corpus, tmp_path)
    after = numbers()
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()


def test_a_sync_that_would_remove_most_documents_stops(corpus, tmp_path):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    for n in range(4):
        (corpus / "sub" / f"page{n}.md").unlink()
    (corpus / "new.md").write_text("# New\n\nText.\n")
    with pytest.raises(MassDeletionError, match=r"remove 4 of 6 documents .* --yes"):
        ingest(corpus, tmp_path)
    assert chunks_of(tmp_path) == before
    report = ingest(corpus, tmp_path, allow_mass_deletion=True)
    assert (report.deleted, report.indexed) == (4, 1)


def test_a_missing_folder_changes_nothing(corpus, tmp_path):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    corpus.rename(tmp_path / "away")
    with pytest.raises(IngestError, match="does not exist"):
        ingest(corpus, tmp_path, allow_mass_deletion=True)
    assert chunks_of(tmp_path) == before


def test_documents_that_can_no_longer_be_read_do_not_vanish_unasked(corpus, tmp_path):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    for n in range(4):
        (corpus / "sub" / f"page{n}.md").write_bytes(b"")
    with pytest.raises(MassDeletionError, match=r"remove 4 of 6 .* can no longer be read \(sub/page0.md: .*empty"):
        ingest(corpus, tmp_path)
    assert chunks_of(tmp_path) == before
    report = ingest(corpus, tmp_path, allow_mass_deletion=True)
    assert (len(report.rejected), report.skipped) == (4, 2)
    assert sources_of(tmp_path) == {"sub/page4.md", "sub/page5.md"}


def test_one_document_that_can_no_longer_be_read_is_rejected(corpus, tmp_path):
    ingest(corpus, tmp_path)
    (corpus / "sub" / "page0.md").write_bytes(b"")
    report = ingest(corpus, tmp_path)
    assert [entry.source for entry in report.rejected] == ["sub/page0.md"]
    assert len(sources_of(tmp_path)) == 5
    revision = served(tmp_path).revision
    settle(corpus)
    again = ingest(corpus, tmp_path)
    assert [entry.source for entry in again.rejected] == ["sub/page0.md"]
    assert served(tmp_path).revision == revision


def dies_on(monkeypatch, source):
    """Have the parsing process die over one file; returns the names of the files that were tried."""
    parse, tried = ParserPool.parse, []

    def dying(pool, files):
        for parsed in parse(pool, files):
            tried.append(parsed.file.source)
            died = Parsed(parsed.file, "", None, "ended its parsing process")
            yield died if parsed.file.source == source else parsed

    monkeypatch.setattr(ParserPool, "parse", dying)
    return tried


def test_a_new_file_whose_parsing_process_dies_gets_a_second_attempt_and_no_third(corpus, tmp_path, monkeypatch):
    tried = dies_on(monkeypatch, "sub/page0.md")
    for attempts in (6, 7, 7):
        report = ingest(corpus, tmp_path)
        assert [entry.source for entry in report.rejected] == ["sub/page0.md"]
        assert len(tried) == attempts
    monkeypatch.undo()
    (corpus / "sub" / "page0.md").write_text(page(0, "Better."))
    assert ingest(corpus, tmp_path).indexed == 1


def test_a_document_whose_parsing_process_dies_stays_as_it_was_once(corpus, tmp_path, monkeypatch):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    (corpus / "sub" / "page0.md").write_text(page(0, "More words."))
    with monkeypatch.context() as patch:
        dies_on(patch, "sub/page0.md")
        assert len(ingest(corpus, tmp_path).rejected) == 1
    assert chunks_of(tmp_path) == before
    assert ingest(corpus, tmp_path).updated == 1
    (corpus / "sub" / "page0.md").write_text(page(0, "Other words."))
    dies_on(monkeypatch, "sub/page0.md")
    ingest(corpus, tmp_path)
    assert "sub/page0.md" in sources_of(tmp_path)
    ingest(corpus, tmp_path)
    assert "sub/page0.md" not in sources_of(tmp_path)


def test_an_unreadable_folder_keeps_its_documents(corpus, tmp_path, monkeypatch):
    (corpus / "top.md").write_text("# Top\n\nText.\n")
    ingest(corpus, tmp_path)
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        report = ingest(corpus, tmp_path)
    assert (report.deleted, report.skipped, [entry.source for entry in report.rejected]) == (0, 1, ["sub"])
    assert len(sources_of(tmp_path)) == 7
    assert counts(ingest(corpus, tmp_path)) == {"skipped": 7}


def test_only_rejects_make_no_new_generation(corpus, tmp_path):
    ingest(corpus, tmp_path)
    name = served(tmp_path).name
    (corpus / "picture.png").write_bytes(b"\x89PNG\r\n")
    os.mkfifo(corpus / "pipe.md")
    report = ingest(corpus, tmp_path)
    assert (report.found, len(report.rejected)) == (8, 2)
    assert served(tmp_path).name == name


def test_a_second_writer_is_told_who_the_first_is(corpus, tmp_path):
    with writer_lock(tmp_path / "corpora"), pytest.raises(IngestError, match=f"process {os.getpid()}"):
        ingest(corpus, tmp_path)
    assert ingest(corpus, tmp_path).indexed == 6


def test_a_missing_path_is_an_error(tmp_path):
    with pytest.raises(IngestError, match="does not exist"):
        ingest(tmp_path / "nothing", tmp_path)
