"""A person's yes: a candidate becomes a training example, after the checks that any training example must pass.

`train.jsonl` is replaced whole, in one step; a candidate that is in it already is not added twice.
"""

import json
from typing import Any

from core.errors import ExampleError
from core.example_lines import line_of, read_texts, write_texts
from core.examples import parse_example, read_examples
from core.folder_lock import only_writer
from core.pack import DomainPack
from core.types import Example
from finetune.corpus_text import CorpusText
from finetune.example_flaws import findings_about
from finetune.examples_file import refuse_flaws
from finetune.synthesis.candidate import Candidate


def accept(pack: DomainPack, candidate: Candidate, corpus: CorpusText | None = None) -> None:
    """Put the candidate into the pack's training file. Raises ExampleError with the first flaw found."""
    with only_writer(pack.train_file.parent):
        lines = read_texts(pack.train_file)
        text = line_of(candidate.example)
        index = _place(pack, candidate, lines)
        if index is not None and lines[index] == text:
            return
        number = None if index is None else index + 1
        refuse_flaws(findings_about(pack, candidate.example, number, corpus), candidate.example)
        if index is None:
            lines.append(text)
        else:
            lines[index] = text
        write_texts(pack.train_file, lines)


def as_line(example: Example) -> dict[str, Any]:
    """An example as a line of an examples file holds it."""
    return example.model_dump(mode="json", by_alias=True)


def edited(text: str) -> Example:
    """What a person wrote over a candidate. Raises ExampleError."""
    try:
        return parse_example(text)
    except ValueError as error:
        raise ExampleError(f"the edited example is not valid: {error}") from error


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
