"""The training file of a pack, changed one line at a time: checked before, written whole, never over others' work."""

from core.errors import ExampleError
from core.example_desk import ExampleRow, Stamp
from core.example_lines import line_of, place_of, read_texts, row_of, write_texts
from core.folder_lock import only_writer
from core.pack import DomainPack
from core.types import Example
from finetune.corpus_text import CorpusText
from finetune.dataset_check.finding import Finding
from finetune.example_flaws import findings_about


def put_example(pack: DomainPack, example: Example, over: Stamp | None, corpus: CorpusText | None) -> ExampleRow:
    """Add `example` at the end, or put it in the place of the line `over`; returns the new line.

    Raises ExampleError with the first flaw, EditConflictError when the line is another one by now.
    """
    with only_writer(pack.train_file.parent):
        texts = read_texts(pack.train_file)
        index = len(texts) if over is None else place_of(texts, over)
        refuse_flaws(findings_about(pack, example, None if over is None else index + 1, corpus), example)
        texts[index : index + 1] = [line_of(example)]
        write_texts(pack.train_file, texts)
    return row_of(index + 1, texts[index])


def remove_example(pack: DomainPack, over: Stamp) -> None:
    """Delete the line `over`. Raises EditConflictError when it is another one by now."""
    with only_writer(pack.train_file.parent):
        texts = read_texts(pack.train_file)
        del texts[place_of(texts, over)]
        write_texts(pack.train_file, texts)


def refuse_flaws(findings: list[Finding], example: Example) -> None:
    """Raise ExampleError with the first finding that is an error."""
    flaw = next((finding for finding in findings if finding.severity == "error"), None)
    if flaw is not None:
        raise ExampleError(f"example '{example.id}': {flaw.message}; {flaw.remedy}")
