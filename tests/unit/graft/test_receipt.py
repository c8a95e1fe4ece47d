"""The receipt as people read it."""

from graft.receipt import change_line, rejects, remarks, summary

REPORT = {
    "found": 9, "indexed": 1, "updated": 2, "renamed": 1, "skipped": 3, "deleted": 4, "chunks": 40, "embedded": 9,
    "seconds": 1.25, "notes": [],
    "rejected": [{"source": "a.png", "reason": "no text"}, {"source": "b", "reason": "x"}],
}  # fmt: skip


def entries(*pairs):
    return [{"source": source, "reason": reason} for source, reason in pairs]


def test_summary_names_every_count():
    assert summary(REPORT) == (
        "9 files: 1 indexed, 2 updated, 1 renamed, 3 skipped, 2 rejected; 4 deleted; 40 chunks in 1.2 s"
    )
    assert summary({**REPORT, "found": 1}).startswith("1 file: ")


def test_change_line_names_only_what_changed():
    assert change_line(REPORT) == "1 indexed, 2 updated, 1 renamed, 4 deleted"
    assert change_line(dict.fromkeys(REPORT, 0)) == ""


def test_rejects_are_aligned_and_those_of_one_reason_together():
    lines = list(
        rejects(
            entries(("z.md", "too large: 70 MiB"), ("a/long name.pdf", "damaged"), ("b.md", "too large: 90 MiB")), "all"
        )
    )
    assert lines == [
        "3 files rejected:",
        "  b.md             too large: 90 MiB",
        "  z.md             too large: 70 MiB",
        "  a/long name.pdf  damaged",
    ]
    assert list(rejects([], "all")) == []


def test_many_rejects_are_counted_by_reason():
    many = entries(*[(f"{n}.png", ".png files hold no text") for n in range(30)], ("x.pdf", "damaged"))
    lines = list(rejects(many, "all of them: look there"))
    assert lines == [
        "31 files rejected:",
        "  30  .png files hold no text, 0.png for one",
        "   1  damaged: x.pdf",
        "  all of them: look there",
    ]


def test_names_cannot_write_to_the_terminal():
    report = {
        **REPORT,
        "rejected": entries(("a\nb\x1b[2J.md", "bad \x07 bytes")),
        "notes": [{"source": "c\n.md", "note": "page\t2"}],
    }
    text = "\n".join(remarks(report, "d"))
    assert r"a\nb\x1b[2J.md  bad \x07 bytes" in text
    assert r"note on c\n.md: page\t2" in text
