"""Whether the examples cover what the pack promises: formats, schemas, labels, refusals, and enough of each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.pack import DomainPack
from core.types import STRUCTURED
from finetune.dataset_check.answers import count_labels
from finetune.dataset_check.finding import Finding, Line

FEW_TRAINING, FEW_TEST = 100, 20
LEAST_REFUSALS, MOST_REFUSALS = 0.05, 0.4
LEAST_SHARE, MOST_SHARE = 0.02, 0.95
MOST_KINDS = 20


def find_imbalance(train: Sequence[Line], test: Sequence[Line], pack: DomainPack) -> Iterator[Finding]:
    """Warnings about the two files as wholes. A file without lines is not judged, except that training needs one."""
    if train:
        yield from _training(train, pack)
        yield from _labels(train, pack)
    else:
        yield _about(pack.train_file, "size", "holds no examples", "without them the domain answers as plain RAG")
    if train and test:
        yield from _tags(train, test, pack)
    if test and len(test) < FEW_TEST:
        yield _about(
            pack.test_file, "size", f"holds {len(test)} examples: intervals will be wide",
            f"write {FEW_TEST} at least; 100 tell arms apart that differ by 10 points",
        )  # fmt: skip
    if test and all(line.example.answerable for line in test):
        yield _about(
            pack.test_file, "refusals", "has no question without an answer", "add some, or refusals stay unmeasured"
        )


def _training(lines: Sequence[Line], pack: DomainPack) -> Iterator[Finding]:
    file = pack.train_file
    if len(lines) < FEW_TRAINING:
        yield _about(
            file, "size", f"holds {len(lines)} examples", "300 are a fair start; graft dataset synthesize helps"
        )
    refusals = sum(not line.example.answerable for line in lines) / len(lines)
    if refusals < LEAST_REFUSALS:
        yield _about(
            file, "refusals", f"{refusals:.0%} of the examples have no answer", "add some, or no model learns to refuse"
        )
    elif refusals > MOST_REFUSALS:
        yield _about(
            file, "refusals", f"{refusals:.0%} of the examples have no answer",
            "add answerable ones, or the model learns to refuse everything",
        )  # fmt: skip
    formats = Counter(line.example.format for line in lines)
    for format in pack.formats:
        share = formats[format] / len(lines)
        if share < LEAST_SHARE:
            yield _about(
                file, "formats", f"{formats[format]} of {len(lines)} examples are {format}, which the pack offers",
                "add examples in that format, or remove it from `formats`",
            )  # fmt: skip
    structured = [line for line in lines if line.example.format in STRUCTURED]
    schemas = Counter(line.example.schema_name for line in structured)
    for name in pack.schemas:
        if schemas[name] < LEAST_SHARE * max(len(structured), 1):
            yield _about(
                file, "schemas", f"{schemas[name]} of {len(structured)} structured examples use schema {name}",
                "add some, or the adapter never sees it",
            )  # fmt: skip


def _labels(lines: Sequence[Line], pack: DomainPack) -> Iterator[Finding]:
    for (schema, key), counts in count_labels(lines, pack.schemas).items():
        total = sum(counts.values())
        if total < 20:
            continue
        unseen = [str(value) for value, count in counts.items() if not count]
        if unseen:
            yield _about(
                pack.train_file, "labels", f"{schema}.{key} is never {', '.join(unseen)} in {total} answers",
                "add examples with these values",
            )  # fmt: skip
        value, count = max(counts.items(), key=lambda item: item[1])
        if len(counts) > 1 and count > MOST_SHARE * total:
            yield _about(
                pack.train_file, "labels", f"{schema}.{key} is {value} in {count} of {total} answers",
                "add examples with other values, or the model learns this one by heart",
            )  # fmt: skip


def _tags(train: Sequence[Line], test: Sequence[Line], pack: DomainPack) -> Iterator[Finding]:
    """Kinds of questions that are tested and never trained. Tags with many values are no kinds, and record: is none."""
    families: dict[str, Counter[str]] = {}
    for line in test:
        for tag in line.example.tags:
            if not tag.startswith("record:"):
                families.setdefault(tag.partition(":")[0], Counter())[tag] += 1
    trained = {tag for line in train for tag in line.example.tags}
    for counts in families.values():
        if len(counts) > MOST_KINDS:
            continue
        for tag, count in counts.items():
            if tag not in trained:
                yield _about(
                    pack.train_file, "tags", f"no training example has the tag {tag}, which {count} test examples have",
                    "add some, unless that is what is tested",
                )  # fmt: skip


def _about(file: Path, check: str, message: str, remedy: str) -> Finding:
    return Finding(severity="warning", check=check, file=str(file), line=None, message=message, remedy=remedy)
