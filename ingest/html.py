"""HTML pages to documents: decoded, freed from navigation, then partitioned by unstructured.

unstructured drops `details`, `figure` and forms with the text in them; here they become plain blocks first. A page
whose headings name no title gets the one of its `<title>`. Knows elements, nothing of the web: no address is fetched.
"""

import codecs
import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ingest.blocks import ParsedDocument
from ingest.decode import Decoded, decode
from ingest.extracted import NO_LANGUAGE, to_document
from ingest.html_tables import plain_cells

_CHARSET = re.compile(rb"""<(?:meta[^>]{1,200}?charset|\?xml[^>]{1,200}?encoding)\s*=\s*["']?([\w:.-]{2,40})""", re.I)
_NAVIGATION = "nav | //footer | //*[@role='navigation' or @role='contentinfo' or @role='search'] | //*[@hidden]"
_RENAMED = {"details": "div", "figure": "div", "form": "div", "fieldset": "div", "summary": "p", "figcaption": "p",
            "legend": "p", "label": "span", "dialog": "div"}  # fmt: skip
# Inside of these a footer is the end of a text, not of the page.
_TEXTS = frozenset({"article", "blockquote", "section", "figure"})


def html_document(data: bytes, source: str) -> ParsedDocument:
    """Parse a page. Raises ValueError when it is not text."""
    decoded = _decode(data)
    document = to_document(tidy_elements(decoded.text), "html", source)
    return replace(document, notes=f"not UTF-8, read as {decoded.guess}" if decoded.guess else "")


def tidy_elements(text: str) -> list[Any]:
    """Elements of a page without its navigation, as unstructured finds them."""
    from unstructured.partition.html import partition_html

    tidy = _tidy(text)
    return partition_html(text=tidy, languages=NO_LANGUAGE) if tidy else []


def _decode(data: bytes) -> Decoded:
    """UTF-8 if it is valid, then what the page states, then the likeliest."""
    stated = _CHARSET.search(data[:4096])
    with suppress(UnicodeDecodeError):
        if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\0" not in data[:4096]:
            return Decoded(data.decode("utf-8-sig"))
    if stated:
        with suppress(LookupError, UnicodeDecodeError):
            # Browsers read the first as the second.
            name = stated[1].decode("ascii", "replace").lower()
            return Decoded(data.decode("cp1252" if name in ("iso-8859-1", "latin1", "ascii") else name))
    return decode(data)


def _tidy(text: str) -> str:
    """The page without navigation, in elements that unstructured keeps, and with a title. Empty when it is none."""
    from lxml import etree  # type: ignore[attr-defined] - it has no stubs

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if any("depth" in entry.message for entry in parser.error_log):
        raise ValueError("is nested too deeply")
    if root is None:
        return ""
    for element in root.xpath(f"//{_NAVIGATION}"):
        if element.tag != "footer" or not any(above.tag in _TEXTS for above in element.iterancestors()):
            _drop(element)
    for element in root.iter(*_RENAMED):
        element.tag = _RENAMED[element.tag]
    for items in root.iter("ol"):
        _number(items)
    for table in list(root.iter("table")):
        plain_cells(table)
    _add_title(root)
    return etree.tostring(root, encoding="unicode", method="html")


def _add_title(root: Any) -> None:
    title = " ".join((root.findtext(".//head/title") or "").split())
    body = root.find(".//body")
    if title and body is not None and root.find(".//h1") is None:
        heading = body.makeelement("h1")
        heading.text, heading.tail = title, body.text
        body.text = None
        body.insert(0, heading)


def _number(items: Any) -> None:
    """Write the numbers of a list into its items: without them "repeat step 3" says nothing."""
    start = items.get("start", "1")
    number = int(start) if re.fullmatch(r"-?\d{1,6}", start) else 1
    for item in items.iterchildren("li"):
        # Into its first paragraph, if it has paragraphs.
        first = item[0] if len(item) and not (item.text or "").strip() and item[0].tag in ("p", "div") else item
        first.text = f"{number}. {(first.text or '').lstrip()}"
        number += 1


def _drop(element: Any) -> None:
    """Remove an element, not the text after it."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)
