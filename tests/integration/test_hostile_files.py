"""A corpus of files that break, cheat and attack: each is rejected by name or read, the good ones are indexed,
nothing outside is read or written, and nothing unprintable is said.
"""

import hashlib
import os
import re
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from core.index import CorpusFiles
from core.printable import printable
from core.settings import IngestSettings
from ingest.pipeline import ingest_corpus
from tests.support import hostile_files as hostile
from tests.support.corpora import HashEmbedder

pytestmark = pytest.mark.integration

SETTINGS = IngestSettings(workers=2, max_file_mib=4, parse_seconds=30, parse_memory_mib=640)
GOOD = 12


class Run:
    """A hostile corpus, ingested: the report, what the manifest holds, and what was there before and after."""

    def __init__(self, folder: Path) -> None:
        self.corpus, self.workspace, self.outside = folder / "corpus", folder / "workspace", folder / "outside"
        for path in (self.corpus, self.outside, folder / "home", folder / "tmp"):
            path.mkdir()
        canary = folder / "canary.txt"
        canary.write_text(hostile.CANARY)
        self.cases = hostile.all_cases(canary)
        for case in self.cases:
            case.write(self.corpus / case.name)
        for number in range(GOOD):
            (self.corpus / f"good{number:02}.md").write_text(f"# Good {number}\n\nA page that is fine.\n")
        before = _listing(folder)
        self.report = ingest_corpus([self.corpus], self.workspace / "corpora" / "x", HashEmbedder(), SETTINGS)
        self.changed = {path for path in _listing(folder) ^ before if not path.startswith("workspace")}
        with closing(sqlite3.connect(CorpusFiles(self.workspace / "corpora" / "x").manifest)) as manifest:
            self.texts = dict(manifest.execute("SELECT source, group_concat(text) FROM chunks GROUP BY source"))
            self.documents = dict(manifest.execute("SELECT source, status FROM documents"))
        self.reasons = {entry.source: entry.reason for entry in self.report.rejected}


def _listing(folder: Path) -> set[str]:
    """Every path below, with what it holds if that can be told."""
    found = set()
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            data = (
                path.read_bytes() if path.is_file() and os.access(path, os.R_OK) and path.stat().st_size < 1e6 else b""
            )
            found.add(f"{path.relative_to(folder)} {hashlib.sha256(data).hexdigest()}")
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
            patch.setenv(name, str(folder / ("tmp" if name == "TMPDIR" else "home")))
        patch.setattr(tempfile, "tempdir", None)
        yield Run(folder)


@pytest.mark.parametrize("name", [case.name for case in hostile.all_cases(Path("/canary"))])
def test_each_file_has_the_outcome_that_it_should_have(run, name):
    case = next(case for case in run.cases if case.name == name)
    if case.outcome == hostile.INDEXED:
        assert run.documents.get(name) == "indexed", run.reasons.get(name)
        assert run.texts[name].strip()
    else:
        assert re.search(case.outcome, run.reasons.get(name, "was not rejected")), run.reasons.get(name)
        assert name not in run.texts


def test_the_good_files_are_indexed_and_the_totals_reconcile(run):
    assert {f"good{number:02}.md" for number in range(GOOD)} <= set(run.texts)
    indexed = sum(case.outcome == hostile.INDEXED for case in run.cases) + GOOD
    assert run.report.indexed == indexed
    assert len(run.report.rejected) == len(run.cases) + GOOD - indexed


def test_no_canary_is_read(run):
    assert not [source for source, text in run.texts.items() if hostile.CANARY in text]
    assert not [source for source, reason in run.reasons.items() if hostile.CANARY in reason]


def test_nothing_is_written_outside_of_the_workspace(run):
    assert run.changed == set()
    assert not Path("/tmp/written-outside").exists()


def test_no_scratch_file_is_left(run):
    assert not list(run.workspace.rglob("parsing"))


def test_reasons_are_one_printable_line(run):
    for source, reason in run.reasons.items():
        assert printable(source) == source
        assert printable(reason) == reason


def test_odd_names_are_indexed_under_printable_sources(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    expected = {}
    for name, shown in hostile.NAMES.items():
        try:
            Path(os.fsdecode(os.fsencode(corpus) + b"/" + name)).write_text(f"# Page\n\nIts name is {len(expected)}.\n")
        except OSError:  # a file system with an opinion about names
            continue
        expected[shown] = f"Its name is {len(expected)}."
    report = ingest_corpus([corpus], tmp_path / "corpora" / "x", HashEmbedder(), SETTINGS)
    assert report.rejected == []
    with closing(sqlite3.connect(CorpusFiles(tmp_path / "corpora" / "x").manifest)) as manifest:
        texts = dict(manifest.execute("SELECT source, text FROM chunks"))
    assert set(texts) == set(expected)
    assert all(expected[source] in text for source, text in texts.items())
    assert ingest_corpus([corpus], tmp_path / "corpora" / "x", HashEmbedder(), SETTINGS).skipped == len(expected)


def test_encodings_are_read_as_they_were_written(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for encoding, text in hostile.ENCODED.items():
        (corpus / f"{encoding}.txt").write_bytes(text.encode(encoding))
    report = ingest_corpus([corpus], tmp_path / "corpora" / "x", HashEmbedder(), SETTINGS)
    assert report.rejected == []
    with closing(sqlite3.connect(CorpusFiles(tmp_path / "corpora" / "x").manifest)) as manifest:
        texts = dict(manifest.execute("SELECT source, group_concat(text, '') FROM chunks GROUP BY source"))
        notes = dict(manifest.execute("SELECT source, notes FROM documents"))
    assert {source.removesuffix(".txt"): text for source, text in texts.items()} == hostile.ENCODED
    assert "read as koi8_r" in notes["koi8_r.txt"]
    assert notes["utf-16.txt"] == ""
