"""What a sync has to do: compares the files that were found with the documents that are known. Changes nothing.

A file counts as unchanged by size and time, else by its hash. A file that has the content of a document whose file is
gone is that document, renamed; one that has the content of another document takes over its chunks. Both only under the
same suffix, which decides how a file is parsed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from core.errors import MassDeletionError
from ingest.documents import Known
from ingest.files import FoundFile, Refused, hash_file
from ingest.parsing import comes_out_alike

# Parsing of entries that are refused without being read: FIFOs, links out of the corpus, hidden or too large files.
NOT_READ = "not read"
# So few documents may go without a question, as long as one is left.
_FEW = 2


@dataclass(frozen=True)
class Copy:
    """A file with the content of the document `of`. `renamed`: it takes over from that document, whose file is gone."""

    file: FoundFile
    of: str
    how: Literal["indexed", "updated", "renamed"]


@dataclass
class Plan:
    """Every entry is in exactly one of `parse`, `copies`, `rejected` and `skipped`; `gone` are documents without file.

    `refuse` and `touch` are what else is to be noted of rejected and of unchanged files.
    """

    found: int
    known: Mapping[str, Known]
    parse: list[FoundFile] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    refuse: list[Refused] = field(default_factory=list)
    touch: list[FoundFile] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of what a generation holds can change."""
        return not (self.parse or self.copies or self.gone)

    @property
    def indexed_before(self) -> int:
        """Documents that were indexed before."""
        return sum(known.status == "indexed" for known in self.known.values())

    @property
    def refused_before_indexed(self) -> int:
        """Documents that were indexed and are now refused without being read."""
        known = (self.known.get(entry.source) for entry in self.refuse)
        return sum(before is not None and before.status == "indexed" for before in known)

    @property
    def deleted(self) -> list[str]:
        """Indexed documents whose file is gone and lives on under no other name."""
        renamed = {copy.of for copy in self.copies if copy.how == "renamed"}
        return [source for source in self.gone if self.known[source].status == "indexed" and source not in renamed]

    def share_of_change(self) -> float:
        """How much of the index will change, roughly, by bytes: 0 nothing, 1 as much as it holds."""
        held = sum(known.size for known in self.known.values() if known.status == "indexed")
        changed = sum(file.size for file in self.parse) + sum(copy.file.size for copy in self.copies)
        return (changed + sum(self.known[source].size for source in self.gone)) / max(held, 1)


def make_plan(entries: Sequence[FoundFile | Refused], known: Mapping[str, Known], parsing: str) -> Plan:
    """Compare. Reads files whose size or time differ, and new ones of a size that is known, to hash them."""
    plan = Plan(len(entries), known)
    present = {entry.source for entry in entries}
    hidden = tuple("" if e.source == "." else f"{e.source}/" for e in entries if isinstance(e, Refused) and e.hides)
    plan.gone = [source for source in known if source not in present and not source.startswith(hidden)]
    changed: list[tuple[FoundFile, str]] = []
    for entry in entries:
        before = known.get(entry.source)
        if isinstance(entry, Refused):
            plan.rejected[entry.source] = entry.reason
            if before is None or (before.parsing, before.reason) != (NOT_READ, entry.reason):
                plan.refuse.append(entry)
            continue
        if before is None or before.is_unsettled or not comes_out_alike(entry.source, before.parsing, parsing):
            changed.append((entry, ""))
            continue
        if not before.looks_like(entry):
            sha256 = hash_file(entry.path)
            if not sha256 or sha256 != before.sha256:
                changed.append((entry, sha256))
                continue
            plan.touch.append(entry)
        if before.status == "rejected":
            plan.rejected[entry.source] = before.reason
        else:
            plan.skipped.append(entry.source)
    _find_copies(plan, changed, parsing)
    return plan


def _find_copies(plan: Plan, changed: Sequence[tuple[FoundFile, str]], parsing: str) -> None:
    """Split what changed into copies of documents that are unchanged or gone, and what has to be parsed."""
    settled = set(plan.skipped) | set(plan.gone)
    by_size: dict[int, list[str]] = defaultdict(list)
    for source, known in plan.known.items():
        alike = known.status == "indexed" and comes_out_alike(source, known.parsing, parsing)
        if alike and source in settled:
            by_size[known.size].append(source)
    gone = set(plan.gone)
    for file, known_hash in changed:
        candidates = [source for source in by_size.get(file.size, ()) if _suffix(source) == _suffix(file.source)]
        sha256 = (known_hash or hash_file(file.path)) if candidates else ""
        twins = [source for source in candidates if sha256 and plan.known[source].sha256 == sha256]
        if not twins:
            plan.parse.append(file)
            continue
        before = plan.known.get(file.source)
        twin = next((source for source in twins if source in gone), twins[0])
        if before is not None and before.status == "indexed":
            plan.copies.append(Copy(file, twin, "updated"))
        elif twin in gone:
            gone.remove(twin)
            plan.copies.append(Copy(file, twin, "renamed"))
        else:
            plan.copies.append(Copy(file, twin, "indexed"))


def check_deletions(plan: Plan, name: str, unreadable: int = 0, reason: str = "") -> None:
    """Stop when more than half of the documents would go. Raises MassDeletionError.

    `unreadable` counts documents that were indexed and can no longer be parsed, for the `reason` of the first: that is
    known when what else goes has gone. A few may go without a question, as long as one is left.
    """
    before, gone, refused = plan.indexed_before, len(plan.deleted), plan.refused_before_indexed
    going = gone + refused + unreadable
    if 2 * going <= before or (going <= _FEW and going < before):
        return
    if unreadable:
        why = f"they can no longer be read ({reason})"
    elif refused > gone:
        why = f"they are not read any more ({plan.refuse[0].source}: {plan.refuse[0].reason})"
    else:
        why = "their files are gone (moved, or not mounted?)"
    left = f"{gone + refused} of them are removed already" if unreadable and gone + refused else "Nothing was removed"
    raise MassDeletionError(
        f"this would remove {going} of {before} documents from the index of '{name}': {why}. {left}. "
        "If it is meant, run the same command with --yes"
    )


def _suffix(source: str) -> str:
    return PurePosixPath(source).suffix.lower()
