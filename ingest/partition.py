"""One file to a parsed document: the right reader for each format, unstructured's where it loses nothing.

Runs in a parsing process. Raises ValueError with a reason fit for a receipt. Knows no manifest, no chunks, no embedder.
"""

import re
from dataclasses import replace
from io import BytesIO
from typing import Any

from core.printable import printable
from ingest.archives import check_archive
from ingest.blocks import Block, ParsedDocument
from ingest.decode import decode
from ingest.extracted import NO_LANGUAGE, to_document
from ingest.formats import VERBATIM, Format, format_of

_OTHER_FILES = re.compile(r"^([ \t]*)(?:\.\. (?:include|literalinclude)::|:(?:file|url):)", re.MULTILINE)
_ARCHIVES = frozenset({"docx", "pptx", "xlsx", "odt", "epub"})


def parse(source: str, data: bytes) -> ParsedDocument:
    """Parse the bytes of one file. An empty result is an error, never a silent nothing."""
    if not data.strip():
        raise ValueError("the file is empty")
    kind = format_of(source, data)
    document = _verbatim(data, kind) if kind in VERBATIM else _extract(source, data, kind)
    if not any(document.text[block.start : block.end].strip() for block in document.blocks):
        raise ValueError(f"no text found in it ({kind})")
    blocks = tuple(_clean(block) for block in document.blocks)
    return replace(document, blocks=blocks, title=printable(document.title), format=kind)


def _clean(block: Block) -> Block:
    # Headings and places are shown to people on one line.
    if not block.label and not block.place:
        return block
    return replace(block, label=printable(block.label), place=printable(block.place))


def _verbatim(data: bytes, kind: Format) -> ParsedDocument:
    from ingest.verbatim import Element, to_blocks

    decoded = decode(data)
    document: ParsedDocument | None = None
    notes = [f"not UTF-8, read as {decoded.guess}"] if decoded.guess else []
    if kind == "rows":
        from ingest.rows import rows_document

        document = rows_document(decoded.text)
    elif kind == "json":
        from ingest.json_text import json_document

        try:
            document = json_document(decoded.text)
        except ValueError as error:
            # JSON with comments, or several values: its lines are worth having all the same.
            notes.append(f"not valid JSON, kept as lines: {_short(error)}")
    if document is None:
        try:
            elements = _elements(decoded.text, kind)
        except (RuntimeError, AssertionError, ValueError, KeyError, IndexError) as error:
            # Its text is verbatim: what a reader would tell of its structure can be done without.
            elements = _elements(decoded.text, "text")
            notes.append(f"read as plain text: {_short(error)}")
        found = [Element(element.category, element.text) for element in elements if element.text]
        document = to_blocks(decoded.text, found, "code" if kind == "json" else kind)
    return replace(document, notes="; ".join(notes))


def _elements(text: str, kind: Format) -> list[Any]:
    match kind:
        case "markdown":
            from unstructured.partition.md import partition_md

            return partition_md(text=text, languages=NO_LANGUAGE)
        case "rst":
            from unstructured.partition.rst import partition_rst

            # Other files are not for this one to read; pandoc gives up where it finds them missing.
            alone = _OTHER_FILES.sub(r"\1..", text)
            return partition_rst(file=BytesIO(alone.encode("utf-8", "replace")), languages=NO_LANGUAGE)
        case _:
            from unstructured.partition.text import partition_text

            # Code is not to be joined into paragraphs.
            return partition_text(text=text, paragraph_grouper=None if kind == "text" else False, languages=NO_LANGUAGE)


def _extract(source: str, data: bytes, kind: Format) -> ParsedDocument:
    if kind in _ARCHIVES:
        check_archive(data, kind)
    try:
        return _read(source, data, kind)
    except (ValueError, MemoryError, RecursionError):
        raise
    except Exception as error:  # parsers raise anything on broken files
        raise ValueError(f"cannot be read as {kind}: {_short(error)}") from error


def _read(source: str, data: bytes, kind: Format) -> ParsedDocument:
    match kind:
        case "pdf":
            from ingest.pdf import parse_pdf

            return parse_pdf(data)
        case "html":
            from ingest.html import html_document

            return html_document(data, source)
        case "docx" | "odt":
            return _word(data, kind, source)
        case "pptx":
            from ingest.slides import slide_elements

            return to_document(slide_elements(data), kind, source)
        case "xlsx":
            from ingest.sheets import xlsx_document

            return xlsx_document(data)
        case "xls":
            from ingest.sheets import xls_document

            return xls_document(data)
        case "rtf" | "epub":
            from ingest.pandoc import pandoc_document

            return pandoc_document(data, kind, source)
        case "eml":
            from ingest.mail import mail_document

            return mail_document(data, source)
        case "xml":
            from ingest.xml_text import xml_document

            return xml_document(data)
        case "org":
            from unstructured.partition.org import partition_org

            return to_document(partition_org(file=BytesIO(data), languages=NO_LANGUAGE), kind, source)
        case _:
            raise ValueError(f"no parser for {kind}")


def _word(data: bytes, kind: Format, source: str) -> ParsedDocument:
    from unstructured.partition.docx import partition_docx

    from ingest.word import mend

    title = ""
    if kind == "odt":
        from ingest.pandoc import odt_to_docx
        from ingest.titles import stated_title

        title = stated_title(data, kind)
        data = odt_to_docx(data)
    word = mend(data)
    elements = partition_docx(file=BytesIO(word.data), languages=NO_LANGUAGE)
    return to_document(elements, kind, source, word.titles | ({title} - {""}))


def _short(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 200 else words[:197] + "..."
