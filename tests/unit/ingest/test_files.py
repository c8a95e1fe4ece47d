"""Every entry of a corpus folder gets exactly one receipt."""

import os

from ingest.files import FoundFile, Refused, find_files


def receipts(*roots, limit=1000):
    return {e.source: (e.reason if isinstance(e, Refused) else "") for e in find_files(roots, limit)}


def test_one_receipt_each(tmp_path):
    corpus, outside = tmp_path / "corpus", tmp_path / "outside.md"
    (corpus / "sub").mkdir(parents=True)
    outside.write_text("secret")
    (corpus / "a.md").write_text("a")
    (corpus / "sub" / 'b "quoted"\n.md').write_text("b")
    (corpus / ".hidden").write_text("h")
    (corpus / ".git").mkdir()
    (corpus / ".git" / "config").write_text("x")
    (corpus / "big.txt").write_text("x" * 2000)
    (corpus / "leads-out.md").symlink_to(outside)
    (corpus / "inside.md").symlink_to(corpus / "a.md")
    (corpus / "folder").symlink_to(corpus / "sub")
    (corpus / "broken.md").symlink_to(corpus / "nothing")
    (corpus / "loop.md").symlink_to(corpus / "loop.md")
    os.mkfifo(corpus / "pipe")
    found = receipts(corpus)
    assert found["a.md"] == found[r'sub/b "quoted"\n.md'] == found["inside.md"] == ""
    assert "out of the corpus" in found["leads-out.md"]
    assert "FIFO" in found["pipe"]
    assert "link to a folder" in found["folder"]
    assert found["broken.md"] == found["loop.md"] == "broken link"
    assert "hidden file" in found[".hidden"]
    assert "hidden folder" in found[".git"]
    assert "over the limit" in found["big.txt"]
    assert len(found) == 11


def test_a_file_is_named_by_its_name_and_a_clash_is_told(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text(folder)
    entries = find_files([tmp_path / "x" / "a.md", tmp_path / "y"], 1000)
    assert [e.source for e in entries if isinstance(e, FoundFile)] == ["a.md"]
    assert [e.reason for e in entries if isinstance(e, Refused)] == [
        "another corpus folder holds a file of this name: rename one"
    ]


def test_names_that_are_not_utf8_are_shown_escaped(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("x")
    assert list(receipts(tmp_path)) == ["caf\\xe9.md"]
