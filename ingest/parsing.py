"""The name of a way of parsing: all that decides what becomes of a file. Documents made in another way are made again.

Only parsed again: chunks that come out as they were keep their vectors.
"""

from core.settings import IngestSettings
from ingest.chunks import VERSION
from ingest.formats import may_be
from ingest.ocr import can_read

_OCR = ":ocr"


def way_of_parsing(settings: IngestSettings) -> str:
    """Version, size of chunks, and what can turn a rejected file into a readable one: limits, and OCR."""
    limits = f"{settings.parse_seconds:g}:{settings.parse_memory_mib}"
    return f"{VERSION}:{settings.chunk_tokens}:{limits}{_OCR if can_read() else ''}"


def comes_out_alike(source: str, before: str, now: str) -> bool:
    """Whether the document `source`, made in the way `before`, would come out the same `now`.

    OCR reads pages of PDFs and nothing else: where tesseract comes or goes, all other documents stay.
    """
    return before == now or (before.removesuffix(_OCR) == now.removesuffix(_OCR) and not may_be(source, "pdf"))
