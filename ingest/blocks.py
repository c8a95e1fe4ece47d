"""What parsing yields: a document's text and its blocks in order. No behaviour beyond (de)serialising for the pipe."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["heading", "text", "item", "table", "code"]


@dataclass(frozen=True)
class Block:
    """A heading, paragraph, list item, table or code block: `text[start:end]`.

    Headings have a `level` (1 outermost) and a `label` without markup; a level without a label ends the section above.
    `page` counts from 1; `place` is what readers call it ("page 3", "slide 2", "sheet Prices", "products[3]"); `row` is
    the spreadsheet row of its first line. `head`: the span of the header rows that belong before every part of a table.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    label: str = ""
    page: int | None = None
    place: str = ""
    head: tuple[int, int] | None = None
    row: int | None = None


@dataclass(frozen=True)
class ParsedDocument:
    """`text` is what spans count in; `notes` are remarks for the receipt (pages without text); `format` as detected."""

    text: str
    blocks: tuple[Block, ...]
    title: str = ""
    notes: str = ""
    format: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "ParsedDocument":
        """Back from a JSON object."""
        blocks = tuple(
            Block(**{**block, "head": tuple(block["head"]) if block["head"] else None}) for block in value["blocks"]
        )
        return cls(value["text"], blocks, value["title"], value["notes"], value["format"])
