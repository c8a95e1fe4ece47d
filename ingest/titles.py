"""The title that an e-book or an OpenDocument text states for itself; pandoc passes it by. Knows packages only."""

import zipfile
from contextlib import suppress
from io import BytesIO
from typing import Any

_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_CORE = "{http://purl.org/dc/elements/1.1/}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def stated_title(data: bytes, kind: str) -> str:
    """The title, or nothing: a file that cannot be read is for its parser to refuse."""
    from lxml import etree  # type: ignore[attr-defined] - it has no stubs

    with (
        suppress(zipfile.BadZipFile, KeyError, OSError, etree.XMLSyntaxError),
        zipfile.ZipFile(BytesIO(data)) as archive,
    ):
        return _book_title(archive) if kind == "epub" else _text_title(archive)
    return ""


def _book_title(archive: zipfile.ZipFile) -> str:
    root = next(_xml(archive, "META-INF/container.xml").iter(f"{_CONTAINER}rootfile"), None)
    path = root.get("full-path", "") if root is not None else ""
    return _words(next(_xml(archive, path).iter(f"{_CORE}title"), None))


def _text_title(archive: zipfile.ZipFile) -> str:
    """The first paragraph in the style Title, or in one made from it."""
    content = _xml(archive, "content.xml")
    styles = {"Title"}
    for style in content.iter(f"{_STYLE}style"):
        if style.get(f"{_STYLE}parent-style-name") == "Title":
            styles.add(style.get(f"{_STYLE}name"))
    paragraphs = content.iter(f"{_TEXT}p", f"{_TEXT}h")
    return _words(next((p for p in paragraphs if p.get(f"{_TEXT}style-name") in styles), None))


def _xml(archive: zipfile.ZipFile, name: str) -> Any:
    from lxml import etree  # type: ignore[attr-defined] - it has no stubs

    return etree.fromstring(archive.read(name), etree.XMLParser(resolve_entities=False, no_network=True))


def _words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split()) if element is not None else ""
