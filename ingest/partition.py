"""One file to a parsed document: the right partitioner of unstructured for each format. Runs in a worker process.

Raises ValueError with a reason fit for a receipt. Knows no manifest, no chunks, no embedder.
"""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

from ingest.blocks import Block, ParsedDocument
from ingest.decode import decode
from ingest.extracted import to_document
from ingest.formats import VERBATIM, Format, format_of
from ingest.verbatim import Element, to_blocks

# Language detection is ten times slower than parsing, and nothing here needs it.
_NO_LANGUAGE = [""]


def parse(source: str, data: bytes) -> ParsedDocument:
    """Parse the bytes of one file. An empty result is an error, never a silent nothing."""
    kind = format_of(source, data[:4096])
    if not data.strip():
        raise ValueError("the file is empty")
    document = _verbatim(decode(data), kind) if kind in VERBATIM else _extract(source, data, kind)
    if not document.blocks:
        raise ValueError(f"no text found in it ({kind})")
    return replace(document, format=kind)


def _verbatim(text: str, kind: Format) -> ParsedDocument:
    if kind == "rows":
        return _rows(text)
    elements: list[Any]
    if kind == "markdown":
        from unstructured.partition.md import partition_md

        elements = partition_md(text=text, languages=_NO_LANGUAGE)
    elif kind == "rst":
        from unstructured.partition.rst import partition_rst

        elements = partition_rst(file=BytesIO(text.encode()), languages=_NO_LANGUAGE)
    else:
        from unstructured.partition.text import partition_text

        # Code is not to be joined into paragraphs.
        grouper = False if kind == "code" else None
        elements = partition_text(text=text, paragraph_grouper=grouper, languages=_NO_LANGUAGE)
    return to_blocks(text, [Element(e.category, e.text) for e in elements if e.text], kind)


def _rows(text: str) -> ParsedDocument:
    """CSV, TSV and JSON lines: one table whose first line, if it has no braces, names the columns."""
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    first = text[start:].split("\n", 1)[0]
    head_end = 0 if first.startswith(("{", "[")) else start + len(first)
    return ParsedDocument(text, (Block("table", start, end, head_end=head_end),))


def _extract(source: str, data: bytes, kind: Format) -> ParsedDocument:
    if kind == "pdf":
        from ingest.pdf import parse_pdf

        return parse_pdf(data)
    if kind in ("docx", "pptx", "xlsx", "odt", "epub"):
        _check_archive(data, kind)
    try:
        elements = _partitioner(kind)(file=BytesIO(data), languages=_NO_LANGUAGE)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # parsers raise anything on broken files
        raise ValueError(f"cannot be read as {kind}: {_short(error)}") from error
    return to_document(elements, kind, source)


def _partitioner(kind: Format) -> Callable[..., list[Any]]:
    match kind:
        case "html":
            from unstructured.partition.html import partition_html

            return partition_html
        case "docx":
            from unstructured.partition.docx import partition_docx

            return partition_docx
        case "pptx":
            from unstructured.partition.pptx import partition_pptx

            return partition_pptx
        case "xlsx":
            from unstructured.partition.xlsx import partition_xlsx

            return partition_xlsx
        case "odt":
            from unstructured.partition.odt import partition_odt

            return partition_odt
        case "rtf":
            from unstructured.partition.rtf import partition_rtf

            return partition_rtf
        case "epub":
            from unstructured.partition.epub import partition_epub

            return partition_epub
        case "eml":
            from unstructured.partition.email import partition_email

            return partition_email
        case "org":
            from unstructured.partition.org import partition_org

            return partition_org
        case "xml":
            from unstructured.partition.xml import partition_xml

            return partition_xml
        case _:
            raise ValueError(f"no parser for {kind}")


def _check_archive(data: bytes, kind: Format) -> None:
    """Refuse what is no archive, and archives that unpack to far more than they are (zip bombs)."""
    import zipfile

    if kind == "xlsx" and data.startswith(b"\xd0\xcf\x11\xe0"):
        return  # the old .xls is no archive
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"is not a {kind} file: damaged, or another format under this name") from error
    if unpacked > max(200 * len(data), 64 << 20) or unpacked > 2 << 30:
        raise ValueError(f"unpacks to {unpacked >> 20} MiB from {len(data) >> 10} KiB: refused as a zip bomb")


def _short(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 200 else words[:197] + "..."
