"""What `graft dataset check` would say of one training example among the others. Reads the files, writes none."""

from collections.abc import Iterable

from core.errors import ExampleError
from core.pack import DomainPack
from core.types import Example
from finetune.corpus_text import CorpusText
from finetune.dataset_check.answers import find_bad_answers
from finetune.dataset_check.evidence import find_bad_evidence
from finetune.dataset_check.finding import Finding, Line
from finetune.dataset_check.reading import read_lines
from finetune.dataset_check.twins import find_leakage, find_near, find_repeats


def findings_about(
    pack: DomainPack, example: Example, number: int | None, corpus: CorpusText | None, *, near: bool = False
) -> list[Finding]:
    """Findings about an example in line `number` of the training file, or in a new one; errors first.

    `near` looks for questions that are almost the same as well. Raises ExampleError for an unknown schema.
    """
    if example.schema_name is not None and example.schema_name not in pack.schemas:
        raise ExampleError(f"no schema '{example.schema_name}': the pack has {', '.join(pack.schemas) or 'none'}")
    train, _ = read_lines(pack.train_file, pack.schemas)
    test, _ = read_lines(pack.test_file, pack.schemas)
    last = max((line.number for line in train), default=0)
    line = Line(pack.train_file, last + 1 if number is None else number, example)
    others = [other for other in train if other.number != line.number]
    found = [*find_bad_answers([line], pack), *find_leakage([line], test)]
    if corpus is not None:
        found += find_bad_evidence([line], corpus)
    found += _about(line, find_repeats([*others, line]))
    if near:
        found += _about(line, find_near([*others, line]))
    return sorted(found, key=lambda finding: finding.severity != "error")


def _about(line: Line, findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.line == line.number]
