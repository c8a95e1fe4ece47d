"""A person's yes: a candidate becomes a training example, after the checks that any training example must pass.

`train.jsonl` is replaced whole, in one step; a candidate that is in it already is not added twice.
"""

import json
from pathlib import Path
from typing import Any

from core.errors import ExampleError
from core.examples import parse_example, read_examples
from core.files import write_atomically
from core.pack import DomainPack
from core.types import Example
from finetune.corpus_text import CorpusText
from finetune.dataset_check.answers import find_bad_answers
from finetune.dataset_check.evidence import find_bad_evidence
from finetune.dataset_check.finding import Finding, Line
from finetune.dataset_check.reading import read_lines
from finetune.dataset_check.twins import find_leakage, find_repeats
from finetune.synthesis.candidate import Candidate


def accept(pack: DomainPack, candidate: Candidate, corpus: CorpusText | None = None) -> None:
    """Put the candidate into the pack's training file. Raises ExampleError with the first flaw found."""
    lines = _read(pack.train_file)
    text = json.dumps(as_line(candidate.example), ensure_ascii=False)
    number = _place(pack, candidate, lines)
    if number is not None and lines[number] == text:
        return
    flaws = _flaws(pack, candidate.example, number, corpus)
    if flaws:
        raise ExampleError(f"example '{candidate.example.id}': {flaws[0].message}; {flaws[0].remedy}")
    if number is None:
        lines.append(text)
    else:
        lines[number] = text
    write_atomically(pack.train_file, "".join(f"{line}\n" for line in lines))


def as_line(example: Example) -> dict[str, Any]:
    """An example as a line of an examples file holds it."""
    return example.model_dump(mode="json", by_alias=True)


def edited(text: str) -> Example:
    """What a person wrote over a candidate. Raises ExampleError."""
    try:
        return parse_example(text)
    except ValueError as error:
        raise ExampleError(f"the edited example is not valid: {error}") from error


def _read(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text.removesuffix("\n").split("\n") if text else []


def _place(pack: DomainPack, candidate: Candidate, lines: list[str]) -> int | None:
    """Index of the line that the candidate replaces or already is; None: a new line is due. Raises ExampleError."""
    found = read_examples(pack.train_file, pack.schemas) if pack.train_file.exists() else []
    known = {example.id: example for example in found}
    wanted = candidate.replaces or candidate.example.id
    if wanted not in known:
        if candidate.replaces is None:
            return None
        raise ExampleError(f"training example '{candidate.replaces}' is gone: reject this rewriting of its answer")
    if candidate.replaces is None:
        if known[wanted] != candidate.example:
            raise ExampleError(f"another training example has the id '{wanted}': edit this one's id")
    elif candidate.example.id != candidate.replaces:
        raise ExampleError(f"a rewriting keeps the id of its example: '{candidate.replaces}'")
    elif known[wanted].answer not in (candidate.before, candidate.example.answer):
        raise ExampleError(f"the answer of '{wanted}' has changed since it was rewritten: reject, and rewrite anew")
    return next(n for n, line in enumerate(lines) if line.strip() and json.loads(line)["id"] == wanted)


def _flaws(pack: DomainPack, example: Example, number: int | None, corpus: CorpusText | None) -> list[Finding]:
    """What `graft dataset check` would call an error about this example among the others."""
    train, _ = read_lines(pack.train_file, pack.schemas)
    test, _ = read_lines(pack.test_file, pack.schemas)
    if example.schema_name is not None and example.schema_name not in pack.schemas:
        raise ExampleError(f"no schema '{example.schema_name}': the pack has {', '.join(pack.schemas) or 'none'}")
    line = Line(pack.train_file, len(train) + 1 if number is None else number + 1, example)
    others = [other for other in train if other.number != line.number]
    found = [*find_bad_answers([line], pack), *find_leakage([line], test)]
    found += [finding for finding in find_repeats([*others, line]) if finding.line == line.number]
    if corpus is not None:
        found += find_bad_evidence([line], corpus)
    return [finding for finding in found if finding.severity == "error"]
