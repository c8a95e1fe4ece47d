"""The name of a way of parsing: all that decides what becomes of a file. Documents made in another way are made again.

Only parsed again: chunks that come out as they were keep their vectors.
"""

from core.settings import IngestSettings
from ingest.chunks import VERSION
from ingest.ocr import can_read


def way_of_parsing(settings: IngestSettings) -> str:
    """Version, size of chunks, and what can turn a rejected file into a readable one: limits, and OCR."""
    limits = f"{settings.parse_seconds:g}:{settings.parse_memory_mib}"
    return f"{VERSION}:{settings.chunk_tokens}:{limits}{':ocr' if can_read() else ''}"
