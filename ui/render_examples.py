"""HTML of the examples' page: tables of examples and candidates, findings, the head of the form. Knows no Gradio."""

import json
from collections.abc import Sequence
from pathlib import Path

from core.answer_text import serialise
from core.example_desk import CandidatePage, ExamplePage, ExampleRow, Split, Stamp
from core.example_findings import CheckReport, Finding
from core.review import Candidate, ReviewStatus
from core.types import Example
from ui.language import marked, several, spoken, t
from ui.safe_html import code, escape

PAGE_ROWS = 50
_LONGEST = 160
_STATUS: dict[ReviewStatus, str] = {
    "pending": marked("waiting"),
    "accepted": marked("accepted"),
    "rejected": marked("rejected"),
}


def examples_html(page: ExamplePage, split: Split, offset: int, opened: Stamp | None, frozen: str) -> str:
    """The table of examples from `offset` on, and how many there are."""
    count = several(page.total, "{count} example", "{count} examples")
    note = count if page.found == page.total else t("{found} of {count}", found=f"{page.found:,}", count=count)
    note += f". {spoken(frozen)}" if frozen else ""
    if not page.rows:
        empty = t("No example fits.") if page.total else t("There are no examples yet.")
        return f'<p class="note">{escape(note)}</p><p class="empty">{escape(empty)}</p>'
    rows = "".join(_row(row, split, opened=row.stamp == opened) for row in page.rows)
    return f'<p class="note">{escape(note)}</p>{_table(rows)}{_pager(offset, page.found)}'


def candidates_html(page: CandidatePage, status: ReviewStatus, offset: int, opened: str | None) -> str:
    """The table of candidates of one status."""
    note = t(", ").join(f"{page.counts[name]:,} {t(words)}" for name, words in _STATUS.items())
    if not page.rows:
        hint = t("Nothing waits for review.") if status == "pending" else t("None yet.")
        return f'<p class="note">{escape(note)}</p><p class="empty">{escape(hint)}</p>'
    rows = "".join(_candidate(row, opened=row.task == opened) for row in page.rows)
    return f'<p class="note">{escape(note)}</p>{_table(rows)}{_pager(offset, page.counts[status])}'


def report_html(report: CheckReport | None, offset: int) -> str:
    """What the checks found, each with its place; a place can be opened."""
    if report is None:
        return f'<p class="empty">{escape(t("Not checked yet."))}</p>'
    counts = [
        several(report.train, "{count} training example", "{count} training examples"),
        several(report.test, "{count} test example", "{count} test examples"),
        several(report.errors, "{count} error", "{count} errors"),
        several(report.warnings, "{count} warning", "{count} warnings"),
    ]
    skipped = "".join(
        f'<p class="note">{escape(t("Not checked: {reason}", reason=spoken(reason)))}</p>' for reason in report.skipped
    )
    head = f'<p class="note">{escape(t(", ").join(counts))}</p>{skipped}'
    if not report.findings:
        return f'{head}<p class="fine">{escape(t("Nothing was found."))}</p>'
    items = "".join(_finding(finding) for finding in report.findings[offset : offset + PAGE_ROWS])
    return f'{head}<ul class="findings">{items}</ul>{_pager(offset, len(report.findings))}'


def findings_html(findings: Sequence[Finding]) -> str:
    """What the checks say of the example in the form."""
    if not findings:
        return ""
    items = "".join(_finding(finding, placed=False) for finding in findings)
    return f'<ul class="findings" role="alert">{items}</ul>'


def head_html(title: str, *, deletes: bool = False, flaw: str = "", candidate: Candidate | None = None) -> str:
    """What stands above the form: what is open, why it cannot be read, what a candidate was made of."""
    delete = ""
    if deletes:
        ask = escape(t("Delete this example? It cannot be brought back."))
        words = escape(t("Delete"))
        delete = f'<button type="button" class="desk-action bad" value="remove" data-ask="{ask}">{words}</button>'
    parts = [f"<header><h2>{escape(title)}</h2>{delete}</header>"]
    if flaw:
        parts.append(f'<p class="trouble">{escape(flaw)}</p>')
    if candidate is not None:
        parts += _about(candidate)
    return f'<div class="example-head" data-desk="examples">{"".join(parts)}</div>'


def test_html(row: ExampleRow) -> str:
    """A test example, which can be read only."""
    title = t("Test example, line {line}", line=row.stamp.line)
    head = f"<header><h2>{escape(title)}</h2></header>"
    if row.example is None:
        return f'<div class="example-head">{head}<p class="trouble">{escape(spoken(row.flaw))}</p></div>'
    example = row.example
    pairs = [(t("Question"), escape(example.question)), (t("The right answer"), _answer_html(example))]
    pairs += [(evidence.source, escape(evidence.quote)) for evidence in example.evidence]
    pairs += [(t("Tags"), escape(", ".join(example.tags))), (t("Name"), escape(example.id))]
    body = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in pairs if value)
    note = escape(t("The test set is read only here: figures of different days compare only on the same questions."))
    return f'<div class="example-head">{head}<p class="note">{note}</p><dl class="facts">{body}</dl></div>'


def _about(candidate: Candidate) -> list[str]:
    parts = []
    if candidate.teacher:
        origin = t("a user's correction") if candidate.teacher == "user" else candidate.teacher
        parts.append(f'<p class="note">{escape(t("From: {origin}", origin=origin))}</p>')
    if candidate.replaces:
        words = escape(t("Rewrites the answer of “{name}”:", name=candidate.replaces))
        parts.append(f'<p class="note">{words}</p><div class="text">{escape(candidate.before or "")}</div>')
    if candidate.passage:
        words = escape(t("The passage behind it"))
        text = f'<div class="text">{escape(candidate.passage)}</div>'
        parts.append(f"<details><summary>{words}</summary>{text}</details>")
    return parts


def _table(rows: str) -> str:
    names = (t("Question and answer"), t("Format"), t("Evidence"), t("Actions"))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<table class="documents examples" data-desk="examples">{body}</table>'


def _row(row: ExampleRow, split: Split, *, opened: bool) -> str:
    what = f"{split} {row.stamp.line}"
    words = t("Edit") if split == "train" else t("Read")
    action = f'<button type="button" class="desk-action" value="{what}">{escape(words)}</button>'
    if row.example is None:
        cells = (
            f'<th scope="row"><span class="file">{escape(t("Line {line}", line=row.stamp.line))}</span>'
            f'<span class="reason">{escape(spoken(row.flaw))}</span></th><td></td><td></td>'
        )
        return f'<tr class="rejected{" opened" if opened else ""}">{cells}<td class="actions">{action}</td></tr>'
    return _example(row.example, action, opened=opened)


def _candidate(candidate: Candidate, *, opened: bool) -> str:
    words = t("Decide") if candidate.status == "pending" else t("Look")
    task = escape(candidate.task)
    action = (
        f'<button type="button" class="desk-action" value="candidate" data-source="{task}">{escape(words)}</button>'
    )
    return _example(candidate.example, action, opened=opened)


def _example(example: Example, action: str, *, opened: bool) -> str:
    answer = _short(_answer_text(example)) if example.answerable else t("(not in the documents)")
    sources = ", ".join(dict.fromkeys(evidence.source for evidence in example.evidence))
    shape = f'<span class="title">{escape(example.schema_name)}</span>' if example.schema_name else ""
    return (
        f'<tr class="{"opened" if opened else ""}"><th scope="row"><span class="file">{escape(example.question)}</span>'
        f'<span class="title">{escape(answer)}</span></th><td>{escape(example.format)}{shape}</td>'
        f'<td class="from">{escape(sources)}</td><td class="actions">{action}</td></tr>'
    )


def _finding(finding: Finding, *, placed: bool = True) -> str:
    severity = t("error") if finding.severity == "error" else t("warning")
    badge = f'<span class="badge {"bad" if finding.severity == "error" else "warn"}">{escape(severity)}</span>'
    place = ""
    if placed:
        name = Path(finding.file).name
        place = f'<span class="place">{escape(name)}</span>'
        if finding.line is not None:
            split = "test" if name == "test.jsonl" else "train"
            words = f"{name}:{finding.line}"
            place = f'<button type="button" class="desk-action" value="{split} {finding.line}">{escape(words)}</button>'
    message, remedy = escape(spoken(finding.message)), escape(spoken(finding.remedy))
    words = f'<span class="message">{message}</span><span class="remedy">{remedy}</span>'
    return f'<li data-desk="examples">{badge}{place}{words}</li>'


def _answer_text(example: Example) -> str:
    if isinstance(example.answer, dict):
        return json.dumps(example.answer, ensure_ascii=False)
    return example.answer or ""


def _answer_html(example: Example) -> str:
    if not example.answerable:
        return escape(t("(not in the documents)"))
    if isinstance(example.answer, dict):
        language = "yaml" if example.format == "yaml" else "json"
        return code(serialise(example.answer, language), language)
    return f'<div class="text">{escape(str(example.answer))}</div>'


def _pager(offset: int, count: int) -> str:
    if count <= PAGE_ROWS:
        return ""
    button = 'button type="button" class="desk-action"'
    back = t("Previous")
    on = t("Next")
    before = f'<{button} value="page {max(0, offset - PAGE_ROWS)}">{escape(back)}</button>' if offset else ""
    after = ""
    if offset + PAGE_ROWS < count:
        after = f'<{button} value="page {offset + PAGE_ROWS}">{escape(on)}</button>'
    first, last = f"{offset + 1:,}", f"{min(offset + PAGE_ROWS, count):,}"
    words = escape(t("{first} to {last} of {count}", first=first, last=last, count=f"{count:,}"))
    return f'<p class="pager" data-desk="examples"><span>{words}</span>{before}{after}</p>'


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= _LONGEST else f"{folded[: _LONGEST - 1]}…"
