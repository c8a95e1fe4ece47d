"""Pages of PDF files as pictures, with the places of cited words on them. Knows no PDF library.

Two implementations: ingest.page_pictures in a process that is shut in, and the one of the page's tests.
"""

from collections.abc import Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict


class Box(BaseModel):
    """A rectangle on a page, in shares of its width and height, from the upper left corner."""

    model_config = ConfigDict(frozen=True)

    left: float
    top: float
    width: float
    height: float


class PagePicture(BaseModel):
    """Page number `page`, from 1, of `pages`, as PNG of `width` by `height` pixels. `boxes`: where the words stand."""

    model_config = ConfigDict(frozen=True)

    page: int
    pages: int
    width: int
    height: int
    png: bytes
    boxes: tuple[Box, ...] = ()


class PagePictures(Protocol):
    """Draws pages of PDF files."""

    async def draw(self, content: bytes, page: int, words: Sequence[str]) -> PagePicture:
        """A page of the PDF `content`; each text of `words` is looked for on it.

        A number beyond the last page means the last. Raises RequestError where the page cannot be drawn.
        """
        ...

    def close(self) -> None:
        """End what draws; the next call starts it again."""
        ...
