"""The prose of the documents, read from `manuscripts/`: facts are put in by id, tables and lists by directives.

A manuscript is named after the document, with `.txt` behind it. Above its `---` stand title and imprint (for mails also
from, to and date); below, one line is one block:

    ## chapter      ### section      - bullet      | a | row |      ---page---      anything else: a paragraph
    {id}            the sentence of that fact;  {old:id} the sentence that an older document had
    @name argument  blocks made from facts, see directives.py
"""

import re
from collections.abc import Iterator
from pathlib import Path

from .blocks import Block, Bullets, Document, Heading, PageBreak, Table, Text
from .directives import expand
from .facts import Facts

FOLDER = Path(__file__).parent.parent / "manuscripts"
_FACT = re.compile(r"\{(old:)?([a-z0-9-]+)\}")


def read_all(facts: Facts) -> list[Document]:
    """All documents of the corpus, by path. Raises ValueError naming the manuscript."""
    return [read(path, facts) for path in sorted(FOLDER.rglob("*.txt"))]


def read(path: Path, facts: Facts) -> Document:
    """The document of one manuscript."""
    name = path.relative_to(FOLDER).as_posix().removesuffix(".txt")
    head, _, body = path.read_text(encoding="utf-8").partition("\n---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    try:
        blocks = tuple(_joined(_blocks(body, facts)))
    except KeyError as error:
        raise ValueError(f"{path}: no fact or directive {error}") from error
    return Document(
        path=name,
        title=fields["title"],
        imprint=fields.get("imprint", ""),
        blocks=blocks,
        sender=fields.get("from", ""),
        recipients=fields.get("to", ""),
        date=fields.get("date", ""),
    )


def _blocks(body: str, facts: Facts) -> Iterator[Block]:
    for line in body.splitlines():
        text = _FACT.sub(lambda match: _sentence(match, facts), line).strip()
        if text == "---page---":
            yield PageBreak()
        elif text.startswith("@"):
            name, _, argument = text[1:].partition(" ")
            yield from expand(name, argument, facts)
        elif text.startswith("#"):
            marks, _, title = text.partition(" ")
            yield Heading(title, len(marks))
        elif text.startswith("- "):
            yield Bullets((text[2:],))
        elif text.startswith("| "):
            yield Table((), (tuple(cell.strip() for cell in text.strip("|").split("|")),))
        elif text:
            yield Text(text)


def _sentence(match: re.Match[str], facts: Facts) -> str:
    statement = facts.statement(match[2])
    if not match[1]:
        return statement.says
    if statement.before is None:
        raise KeyError(match[0])
    return statement.before


def _joined(blocks: Iterator[Block]) -> Iterator[Block]:
    """Bullets and rows that follow each other become one list and one table, whose first row is the head."""
    waiting: Block | None = None
    for block in blocks:
        match waiting, block:
            case Bullets(items), Bullets(more):
                waiting = Bullets((*items, *more))
            case Table((), rows), Table((), more_rows):
                waiting = Table((), (*rows, *more_rows))
            case _:
                yield from _done(waiting)
                waiting = block
    yield from _done(waiting)


def _done(block: Block | None) -> Iterator[Block]:
    if isinstance(block, Table) and not block.head:
        yield Table(tuple(map(str, block.rows[0])), block.rows[1:])
    elif block is not None:
        yield block
