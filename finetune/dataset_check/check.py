"""All checks of a domain's examples in one call. Needs no model: index and token counter are optional."""

from collections.abc import Iterable
from pathlib import Path

from core.example_findings import CheckReport
from core.pack import DomainPack
from core.prompt import CountMessages
from finetune.corpus_text import CorpusText
from finetune.dataset_check.answers import find_bad_answers
from finetune.dataset_check.balance import find_imbalance
from finetune.dataset_check.evidence import find_bad_evidence
from finetune.dataset_check.finding import Finding, Line
from finetune.dataset_check.lengths import Limits, find_too_long
from finetune.dataset_check.reading import read_lines
from finetune.dataset_check.twins import find_leakage, find_near, find_repeats


def check_examples(
    pack: DomainPack,
    corpus: CorpusText | None,
    count: CountMessages | None = None,
    limits: Limits | None = None,
) -> CheckReport:
    """Check both examples files of `pack`. Raises ExampleError only for a file that is not UTF-8 text."""
    train, bad_train = read_lines(pack.train_file, pack.schemas)
    test, bad_test = read_lines(pack.test_file, pack.schemas)
    findings = [*bad_train, *bad_test, *find_leakage(train, test)]
    skipped = [f"{path}: does not exist" for path in (pack.train_file, pack.test_file) if not path.exists()]
    for lines in (train, test):
        findings += [*find_repeats(lines), *find_near(lines)]
        findings += find_bad_answers(lines, pack)
        if corpus is not None:
            findings += find_bad_evidence(lines, corpus)
        if count is not None and limits is not None:
            findings += find_too_long(lines, pack, count, limits)
    findings += find_imbalance(train, test, pack)
    if corpus is None:
        skipped.append(f"evidence: '{pack.name}' has no index yet; run graft ingest first")
    if count is None:
        skipped.append("lengths: no tokenizer")
    return CheckReport(domain=pack.name, train=len(train), test=len(test), findings=_sorted(findings), skipped=skipped)


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by place."""
    return sorted(findings, key=lambda f: (f.severity != "error", Path(f.file).name != "train.jsonl", f.line or 0))


__all__ = ["CheckReport", "Limits", "Line", "check_examples"]
