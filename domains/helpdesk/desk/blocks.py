"""What a document of the pack is made of, the same for every format. Knows no fact and no file format."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A heading inside a document; `level` 2 is a chapter (in slides: a slide), 3 a section of one."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list without order."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Steps:
    """A numbered list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True)
class Code:
    """Lines that are shown as they are; `language` is for highlighting."""

    text: str
    language: str


@dataclass(frozen=True)
class PageBreak:
    """A new page, in formats that have pages."""


Block = Heading | Text | Bullets | Steps | Table | Code | PageBreak


@dataclass(frozen=True)
class Document:
    """One file of the corpus: `path` inside it, by whose suffix the writer is chosen.

    `imprint` is the line under the title: edition, date, what it replaces. Only mails have a sender,
    recipients and a date (RFC 5322).
    """

    path: str
    title: str
    imprint: str = ""
    blocks: tuple[Block, ...] = ()
    sender: str = ""
    recipients: str = ""
    date: str = ""
