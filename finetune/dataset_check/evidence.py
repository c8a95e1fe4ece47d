"""Evidence that the corpus does not hold: unknown documents, quotes that are not there, twice there, or cut in two."""

import difflib
from collections.abc import Iterator, Sequence

from core.types import Evidence
from finetune.corpus_text import CorpusText, fold_space
from finetune.dataset_check.finding import Finding, Line


def find_bad_evidence(lines: Sequence[Line], corpus: CorpusText) -> Iterator[Finding]:
    """Check every quote against the indexed text, white space folded."""
    for line in lines:
        if not line.example.answerable:
            continue
        if not line.example.evidence:
            yield line.finding(
                "warning", "evidence", "has no evidence: no passage can be cited, and none counts as right",
                "add source and quote",
            )  # fmt: skip
        for evidence in line.example.evidence:
            finding = _check(line, evidence, corpus)
            if finding is not None:
                yield finding


def _check(line: Line, evidence: Evidence, corpus: CorpusText) -> Finding | None:
    if evidence.source not in corpus.sources:
        close = difflib.get_close_matches(evidence.source, corpus.sources, 1, 0.6)
        hint = f"did you mean '{close[0]}'?" if close else "paths are relative to their corpus folder"
        return line.finding("error", "evidence", f"no document '{evidence.source}' in the index", hint)
    shown = fold_space(evidence.quote)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    holders = corpus.holders(evidence.source, evidence.quote)
    count = corpus.count(evidence.source, evidence.quote)
    if not holders and not count:
        return line.finding(
            "error", "evidence", f"'{shown}' is not in {evidence.source}", "copy the quote from the document"
        )
    if not holders:
        return line.finding(
            "error", "evidence", f"'{shown}' is cut in two in the index, so that no passage holds it",
            "quote the part that says it, or raise ingest.chunk_tokens and ingest again",
        )  # fmt: skip
    if count > 1:
        return line.finding(
            "warning", "evidence", f"'{shown}' stands {count} times in {evidence.source}",
            "quote more of it, so that the place is certain",
        )  # fmt: skip
    return None
