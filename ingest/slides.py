"""Slides: unstructured's elements, with the speaker's notes after each slide. Knows PowerPoint, no blocks."""

from io import BytesIO
from typing import Any

from ingest.extracted import NO_LANGUAGE


def slide_elements(data: bytes) -> list[Any]:
    """Elements of a .pptx, slide by slide. unstructured puts notes before the slide's own title, if at all."""
    import pptx
    from unstructured.documents.elements import ElementMetadata, Text
    from unstructured.partition.pptx import partition_pptx

    elements = partition_pptx(file=BytesIO(data), languages=NO_LANGUAGE)
    for number, slide in enumerate(pptx.Presentation(BytesIO(data)).slides, start=1):
        frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        words = frame.text.strip() if frame is not None else ""
        if words:
            elements.append(Text(f"Notes: {words}", metadata=ElementMetadata(page_number=number)))
    return sorted(elements, key=lambda element: element.metadata.page_number or 0)
