"""Writers: one document model, one module per family of formats. `render` picks by the suffix of the path."""

from collections.abc import Callable
from pathlib import PurePosixPath

from ..blocks import Document
from . import docx, mail, markup, pandoc, pdf, pptx, tables, xml


def render(document: Document) -> bytes:
    """The bytes of the file. The same document gives the same bytes on the same versions of the libraries."""
    return _writer(document)(document)


def _writer(document: Document) -> Callable[[Document], bytes]:
    match PurePosixPath(document.path).suffix:
        case ".pdf":
            return pdf.write
        case ".docx":
            return docx.write
        case ".pptx":
            return pptx.write
        case ".xlsx":
            return tables.write_xlsx
        case ".csv" | ".tsv":
            return tables.write_rows
        case ".json":
            return tables.write_json
        case ".md":
            return markup.write_markdown
        case ".rst":
            return markup.write_rst
        case ".txt":
            return markup.write_text
        case ".html":
            return markup.write_html
        case ".eml":
            return mail.write
        case ".xml":
            return xml.write
        case ".odt" | ".epub" | ".rtf":
            return pandoc.write
        case suffix:
            raise ValueError(f"{document.path}: no writer for {suffix}")
