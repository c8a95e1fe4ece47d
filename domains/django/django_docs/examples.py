"""Examples from records: wordings, formats and answers, split by record into training and test rows.

Everything is decided by hashes of ids, nothing by chance or order. Knows nothing of files.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any

from .answers import answer
from .markdown import fold
from .names import names
from .split import is_test, rank
from .subjects import Subject
from .wordings import WORDINGS, Naming, Wording

Row = dict[str, Any]

# 35% json, 25% yaml, 20% markdown, 20% text; mixed, so that any stretch of it is balanced.
FORMATS = names(
    """
    json yaml text json markdown json yaml text json yaml markdown json text yaml json markdown text json yaml
    markdown
    """
)
_STEP = 7  # through FORMATS, coprime to its length: the formats of one record differ


def build(subjects: list[Subject]) -> tuple[list[Row], list[Row]]:
    """Return (training rows, test rows). No record is in both; no test quote stands in a training answer."""
    ordered = sorted(subjects, key=lambda subject: rank(subject.id))
    test = _test_rows([subject for subject in ordered if is_test(subject.id)])
    train = [row for subject in ordered if not is_test(subject.id) for row in _train_rows(subject)]
    quotes = [evidence["quote"] for row in test for evidence in row["evidence"]]
    train = [row for row in train if not _holds(row["answer"], quotes)]
    return sorted(train, key=lambda row: rank("order:" + row["id"])), test


def _holds(value: Any, quotes: Iterable[str]) -> bool:
    text = fold(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return any(quote in text for quote in quotes)


def _test_rows(subjects: list[Subject]) -> list[Row]:
    """One question each; a third of them described, a third in unseen wordings, independently."""
    rows: list[Row] = []
    asked: Counter[tuple[bool, str]] = Counter()
    for subject in subjects:
        real = subject.record is not None
        named, described = asked[real, "named"], asked[real, "described"]
        wants_description = described * 3 < named + described + 1
        naming = _naming(subject, wants_description)
        wording: Wording = "unseen" if asked[real, naming] % 3 == 0 else "seen"
        format = FORMATS[(named + described) % len(FORMATS)]
        asked[real, naming] += 1
        rows.append(_row(subject, naming, wording, format, 1, set()))
    return rows


def _train_rows(subject: Subject) -> list[Row]:
    """Four to six examples of a record, two of an invented thing, in wordings and formats that differ."""
    start = rank("format:" + subject.id)
    count = 4 + start % 3 if subject.record else 2
    used: set[str] = set()
    rows = []
    for number in range(1, count + 1):
        naming = _naming(subject, wants_description=number % 2 == 0)
        format = FORMATS[(start + number * _STEP) % len(FORMATS)]
        rows.append(_row(subject, naming, "seen", format, number, used))
    return rows


def _naming(subject: Subject, wants_description: bool) -> Naming:
    if not subject.named:
        return "described"
    return "described" if wants_description and subject.described else "named"


def _row(subject: Subject, naming: Naming, wording: Wording, format: str, number: int, used: set[str]) -> Row:
    slots = subject.named if naming == "named" else subject.described
    template = _template(subject, naming, wording, slots, number, used)
    used.add(template)
    record = subject.record
    structured = format in ("json", "yaml")
    return {
        "id": f"{subject.id}#{number}",
        "question": template.format_map(slots),
        "answer": answer(record, format) if record else None,
        "format": format,
        "schema": subject.kind if structured else None,
        "evidence": [{"source": record.source, "quote": record.quote}] if record else [],
        "answerable": record is not None,
        "tags": [
            f"kind:{subject.kind}",
            f"wording:{wording}",
            f"naming:{naming}",
            f"record:{subject.id}",
        ],
    }


def _template(
    subject: Subject,
    naming: Naming,
    wording: Wording,
    slots: Mapping[str, str],
    number: int,
    used: set[str],
) -> str:
    """One of the templates whose slots are all there, picked by hash; not one that is used already, if possible."""
    fitting = [t for t in WORDINGS[subject.kind][naming][wording] if _slots_of(t) <= slots.keys()]
    fresh = [template for template in fitting if template not in used] or fitting
    return min(fresh, key=lambda template: rank(f"{subject.id}:{number}:{template}"))


def _slots_of(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def count(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows there are per format, kind, wording and naming, and without an answer."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update([f"format:{row['format']}", *row["tags"][:3], "rows"])
        counts["unanswerable"] += not row["answerable"]
    return dict(sorted(counts.items()))
