"""Draws one page of a PDF with pdfium, and says where cited words stand on it. Runs in the parsing process.

Knows bytes and pixels, nothing of who asks.
"""

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from ingest.page_words import joined, letters_of, places_of

# Wide enough for a screen of double density beside the chat.
_WIDTH = 1240
_MOST_PIXELS = 6_000_000


def draw_page(data: bytes, number: int, wanted: Sequence[str]) -> dict[str, Any]:
    """Page `number` (from 1; the last where there are fewer) as `{page, pages, width, height, png, boxes}`.

    `png` in base64; `boxes` of the texts `wanted` as shares of width and height: left, top, width, height. Raises
    ValueError for what is no PDF that can be drawn.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise ValueError(f"is a damaged or locked PDF: {error}") from error
    try:
        pages = len(document)
        if not pages:
            raise ValueError("has no pages")
        number = min(max(number, 1), pages)
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(_WIDTH / max(width, 1), (_MOST_PIXELS / max(width * height, 1)) ** 0.5)
        bitmap = page.render(scale=scale)  # type: ignore[arg-type] - any number will do
        picture, convert = BytesIO(), bitmap.get_posconv(page)
        image = bitmap.to_pil()
        image.save(picture, format="PNG")
        words = letters_of(page)
        boxes = [box for text in wanted for box in joined(places_of(text, words))]
        corners = [(convert.to_bitmap(box[0], box[3]), convert.to_bitmap(box[2], box[1])) for box in boxes]
        return {
            "page": number,
            "pages": pages,
            "width": image.width,
            "height": image.height,
            "png": base64.b64encode(picture.getvalue()).decode(),
            "boxes": [_share(first, second, image.width, image.height) for first, second in corners],
        }
    except pypdfium2.PdfiumError as error:
        raise ValueError(f"has a page that cannot be drawn: {error}") from error
    finally:
        document.close()


def _share(first: tuple[float, float], second: tuple[float, float], width: int, height: int) -> list[float]:
    # On a page that is turned, the corners change places.
    left, right = sorted((first[0], second[0]))
    top, bottom = sorted((first[1], second[1]))
    return [left / width, top / height, (right - left) / width, (bottom - top) / height]
