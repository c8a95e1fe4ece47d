"""What a sync decides: unchanged, copied, renamed, to be parsed, gone; and when it stops."""

import hashlib
import os
import time
from dataclasses import replace

import pytest

from core.errors import MassDeletionError
from ingest.documents import Known
from ingest.files import FoundFile, Refused, find_files
from ingest.plan import NOT_READ, Copy, check_deletions, make_plan

PARSING = "1:64"


@pytest.fixture
def folder(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name in "abcd":
        write(corpus / f"{name}.md", f"text {name}")
    return corpus


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    then = time.time() - 60
    os.utime(path, (then, then))


def entries(folder):
    return find_files([folder], 1 << 20)


def known(folder, **changes):
    """The manifest's view of the folder as it is now."""
    return {
        entry.source: Known(
            **{
                "sha256": hashlib.sha256(entry.path.read_bytes()).hexdigest(),
                "size": entry.size,
                "mtime_ns": entry.mtime_ns,
                "seen_ns": time.time_ns(),
                "status": "indexed",
                "reason": "",
                "parsing": PARSING,
                **changes,
            }
        )
        for entry in entries(folder)
        if isinstance(entry, FoundFile)
    }


def parsed(plan):
    return [file.source for file in plan.parse]


def test_nothing_changed(folder):
    plan = make_plan(entries(folder), known(folder), PARSING)
    assert plan.is_empty
    assert plan.skipped == ["a.md", "b.md", "c.md", "d.md"]
    assert (plan.touch, plan.deleted, plan.found) == ([], [], 4)


def test_another_time_is_only_noted_and_another_content_is_parsed(folder):
    before = known(folder)
    os.utime(folder / "a.md")
    write(folder / "b.md", "TEXT b")
    plan = make_plan(entries(folder), before, PARSING)
    assert [file.source for file in plan.touch] == ["a.md"]
    assert parsed(plan) == ["b.md"]
    assert plan.skipped == ["a.md", "c.md", "d.md"]


def test_a_file_written_while_it_was_read_is_looked_into(folder):
    before = known(folder, seen_ns=(folder / "a.md").stat().st_mtime_ns)
    for name in "abcd":
        status = (folder / f"{name}.md").stat()
        (folder / f"{name}.md").write_text(f"TEXT {name}")
        os.utime(folder / f"{name}.md", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert len(make_plan(entries(folder), before, PARSING).parse) == 4


def test_another_way_of_parsing_reads_everything(folder):
    assert len(make_plan(entries(folder), known(folder), "2:64").parse) == 4


@pytest.mark.parametrize(("before", "now"), [("1:64", "1:64:ocr"), ("1:64:ocr", "1:64")])
def test_where_ocr_comes_or_goes_only_what_it_could_read_is_parsed_again(folder, before, now):
    for name in ("scan.pdf", "SCAN.PDF", "unclaimed", "photo.png", "page.html", "letter.docx"):
        write(folder / name, name)
    documents = known(folder, parsing=before)
    documents["photo.png"] = replace(documents["photo.png"], status="rejected", reason="no text")
    plan = make_plan(entries(folder), documents, now)
    assert parsed(plan) == ["SCAN.PDF", "scan.pdf", "unclaimed"]
    assert plan.rejected == {"photo.png": "no text"}
    assert make_plan(entries(folder), documents, "2:64:ocr").skipped == []


def test_a_scan_that_was_read_without_ocr_is_nobodys_twin(folder):
    write(folder / "scan.pdf", "scan")
    before = known(folder)
    (folder / "scan.pdf").rename(folder / "moved.pdf")
    (folder / "a.md").rename(folder / "moved.md")
    plan = make_plan(entries(folder), before, f"{PARSING}:ocr")
    assert [(copy.file.source, copy.of) for copy in plan.copies] == [("moved.md", "a.md")]
    assert parsed(plan) == ["moved.pdf"]


def test_renames_and_copies(folder):
    before = known(folder)
    (folder / "a.md").rename(folder / "x.md")
    write(folder / "z.md", "text b")
    write(folder / "c.md", "text d")
    plan = make_plan(entries(folder), before, PARSING)
    assert plan.parse == []
    assert [(copy.file.source, copy.of, copy.how) for copy in plan.copies] == [
        ("c.md", "d.md", "updated"),
        ("x.md", "a.md", "renamed"),
        ("z.md", "b.md", "indexed"),
    ]
    assert plan.deleted == []


def test_what_takes_over_from_a_vanished_file_is_renamed_once(folder):
    before = known(folder)
    (folder / "a.md").rename(folder / "x.md")
    write(folder / "y.md", "text a")
    plan = make_plan(entries(folder), before, PARSING)
    assert [(copy.file.source, copy.how) for copy in plan.copies] == [("x.md", "renamed"), ("y.md", "indexed")]
    assert all(isinstance(copy, Copy) and copy.of == "a.md" for copy in plan.copies)


def test_another_suffix_is_parsed(folder):
    before = known(folder)
    (folder / "a.md").rename(folder / "a.txt")
    plan = make_plan(entries(folder), before, PARSING)
    assert parsed(plan) == ["a.txt"]
    assert plan.deleted == ["a.md"]


def test_swapped_files_are_parsed(folder):
    before = known(folder)
    write(folder / "a.md", "text b")
    write(folder / "b.md", "text a")
    assert parsed(make_plan(entries(folder), before, PARSING)) == ["a.md", "b.md"]


def test_a_rejected_document_is_no_model_for_a_copy(folder):
    before = known(folder, status="rejected", reason="broken")
    write(folder / "x.md", "text a")
    plan = make_plan(entries(folder), before, PARSING)
    assert parsed(plan) == ["x.md"]
    assert plan.rejected == dict.fromkeys(["a.md", "b.md", "c.md", "d.md"], "broken")


def test_refusals_are_noted_when_they_are_new(folder):
    refused = [*entries(folder), Refused("pipe", "a FIFO")]
    plan = make_plan(refused, known(folder), PARSING)
    assert plan.rejected == {"pipe": "a FIFO"}
    assert [entry.source for entry in plan.refuse] == ["pipe"]
    noted = {**known(folder), "pipe": Known("", 0, 0, 0, "rejected", "a FIFO", NOT_READ)}
    assert make_plan(refused, noted, PARSING).refuse == []


def test_below_a_folder_that_cannot_be_read_nothing_is_gone(folder):
    before = {**known(folder), "sub/e.md": known(folder)["a.md"], "subway.md": known(folder)["a.md"]}
    plan = make_plan([*entries(folder), Refused("sub", "folder cannot be read", hides=True)], before, PARSING)
    assert plan.gone == ["subway.md"]
    assert make_plan([Refused(".", "folder cannot be read", hides=True)], before, PARSING).gone == []


@pytest.mark.parametrize(
    ("documents", "removed", "stops"),
    [
        (6, 3, False),
        (6, 4, True),
        (6, 6, True),
        (3, 2, False),
        (4, 3, True),
        (2, 1, False),
        (1, 1, True),
        (0, 0, False),
    ],
)
def test_more_than_half_stops_unless_it_is_a_few(tmp_path, documents, removed, stops):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for n in range(documents):
        write(folder / f"{n}.md", f"text {n}")
    before = known(folder)
    for n in range(removed):
        (folder / f"{n}.md").unlink()
    plan = make_plan(entries(folder), before, PARSING)
    if not stops:
        check_deletions(plan, "d")
        return
    with pytest.raises(MassDeletionError, match=rf"remove {removed} of {documents} documents .*'d'.*--yes"):
        check_deletions(plan, "d")


def test_what_is_refused_or_unreadable_counts_as_removed(folder):
    before = known(folder)
    refused = [Refused(f"{name}.md", "a FIFO") for name in "abc"]
    with pytest.raises(MassDeletionError, match=r"remove 3 of 4 .* not read any more \(a.md: a FIFO\). Nothing was"):
        check_deletions(make_plan([*refused, *entries(folder)[3:]], before, PARSING), "d")
    plan = make_plan(entries(folder), before, "2:64")
    check_deletions(plan, "d", 2, "a.md: broken")
    with pytest.raises(MassDeletionError, match=r"can no longer be read \(a.md: broken\)"):
        check_deletions(plan, "d", 3, "a.md: broken")
    plan = make_plan(entries(folder)[1:], before, "2:64")
    with pytest.raises(MassDeletionError, match=r"remove 3 of 4 .*broken.* 1 of them are removed already"):
        check_deletions(plan, "d", 2, "b.md: broken")


def test_moved_documents_are_not_removed(folder):
    before = known(folder)
    for name in "abcd":
        write(folder / "sub" / f"{name}.md", f"text {name}")
        (folder / f"{name}.md").unlink()
    plan = make_plan(entries(folder), before, PARSING)
    assert len(plan.copies) == 4
    check_deletions(plan, "d")


def test_share_of_change(folder):
    before = known(folder)
    assert make_plan(entries(folder), before, PARSING).share_of_change() == 0
    write(folder / "a.md", "TEXT a")
    assert make_plan(entries(folder), before, PARSING).share_of_change() == pytest.approx(0.25)
