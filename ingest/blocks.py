"""What parsing yields: a document's text and its blocks in order. No behaviour beyond (de)serialising for the pipe."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["heading", "text", "item", "table", "code"]


@dataclass(frozen=True)
class Block:
    """A heading, paragraph, list item, table or code block: `text[start:end]`.

    Headings have a `level` (1 outermost) and a `label` without markup. `page` counts from 1; `place` is what readers
    call it ("page 3", "slide 2", "sheet Prices"). `head_end`: a table's header rows are `text[start:head_end]`.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    label: str = ""
    page: int | None = None
    place: str = ""
    head_end: int = 0


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
        blocks = tuple(Block(**block) for block in value["blocks"])
        return cls(value["text"], blocks, value["title"], value["notes"], value["format"])
