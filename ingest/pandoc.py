"""What pandoc reads for unstructured: RTF, EPUB, OpenDocument text. Offline, in pandoc's own sandbox and in ours."""

import tempfile
from io import BytesIO
from pathlib import Path

from ingest.blocks import ParsedDocument
from ingest.extracted import to_document
from ingest.html import tidy_elements
from ingest.titles import stated_title


def pandoc_document(data: bytes, kind: str, source: str) -> ParsedDocument:
    """Parse a file through HTML. Raises what unstructured raises when pandoc cannot read it."""
    from unstructured.file_utils.file_conversion import convert_file_to_html_text_using_pandoc

    html = convert_file_to_html_text_using_pandoc(source_format=kind, file=BytesIO(data))
    title = stated_title(data, kind) if kind == "epub" else ""
    return to_document(tidy_elements(html), kind, source, frozenset({title} - {""}))


def odt_to_docx(data: bytes) -> bytes:
    """The same text as a Word document, which keeps titles and numbered lists. Raises pypandoc's RuntimeError."""
    import pypandoc

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "document.odt"), Path(folder, "document.docx")
        source.write_bytes(data)
        pypandoc.convert_file(str(source), "docx", format="odt", outputfile=str(target), sandbox=True)
        return target.read_bytes()
