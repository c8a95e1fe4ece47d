"""The receipt of an ingestion, as people read it: counts, what was rejected and why, remarks. Prints nothing itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.printable import printable

# So many files are named one by one; more are counted by reason.
_MOST_LINES = 20
_WIDEST_NAME = 48
_COUNTS = ("indexed", "updated", "renamed", "skipped")


def summary(report: Mapping[str, Any]) -> str:
    """One line: what became of every file that was found."""
    counts = ", ".join(f"{report[key]} {key}" for key in _COUNTS)
    files = _count(report["found"], "file")
    return (
        f"{files}: {counts}, {len(report['rejected'])} rejected; {report['deleted']} deleted; "
        f"{report['chunks']} chunks in {report['seconds']:.1f} s"
    )


def change_line(report: Mapping[str, Any]) -> str:
    """One line: only what has changed; empty if nothing has."""
    keys = ("indexed", "updated", "renamed", "deleted")
    return ", ".join(f"{report[key]} {key}" for key in keys if report[key])


def remarks(report: Mapping[str, Any], domain: str) -> Iterator[str]:
    """Lines about what was rejected and about documents that need a look."""
    yield from rejects(report["rejected"], f"all of them: graft index status --rejected --domain {domain}")
    for note in report["notes"][:_MOST_LINES]:
        yield f"note on {printable(note['source'])}: {printable(note['note'])}"
    if len(report["notes"]) > _MOST_LINES:
        yield f"and {len(report['notes']) - _MOST_LINES} more notes: graft index status --domain {domain}"


def rejects(rejected: Sequence[Mapping[str, str]], where: str, most: int = _MOST_LINES) -> Iterator[str]:
    """One aligned line a file, those of one reason together; more than `most` are counted by reason instead."""
    if not rejected:
        return
    yield f"{_count(len(rejected), 'file')} rejected:"
    groups: dict[str, list[Mapping[str, str]]] = {}
    for entry in rejected:
        groups.setdefault(_kind(entry["reason"]), []).append(entry)
    ordered = sorted(groups.values(), key=lambda group: (-len(group), group[0]["source"]))
    if len(rejected) > most:
        width = len(str(len(ordered[0])))
        for group in ordered:
            example = printable(group[0]["source"])
            more = f", {example} for one" if len(group) > 1 else f": {example}"
            yield f"  {len(group):>{width}}  {printable(group[0]['reason'])}{more}"
        yield f"  {where}"
        return
    entries = [entry for group in ordered for entry in sorted(group, key=lambda entry: entry["source"])]
    names = [printable(entry["source"]) for entry in entries]
    width = min(max(map(len, names)), _WIDEST_NAME)
    for name, entry in zip(names, entries, strict=True):
        yield f"  {name:<{width}}  {printable(entry['reason'])}"


def _kind(reason: str) -> str:
    """What files of one kind of trouble have in common: the reason without numbers and details."""
    return re.sub(r"\d+(?:\.\d+)?", "N", reason.split(":")[0])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
