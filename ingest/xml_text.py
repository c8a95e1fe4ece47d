"""XML to blocks: titles as headings, paragraphs as text, data as `name: value` lines, one block for a record.

unstructured's reader keeps the text before child elements only, and no names: here no text is lost, and a value can be
told from another. Entities that the file itself defines are expanded, within bounds; those that name other files are
refused. Knows no schema.
"""

from typing import Any

from ingest.blocks import Block, Kind, ParsedDocument

_TITLES = frozenset({"title", "head", "heading", "subject", "h1", "h2", "h3", "h4", "h5", "h6"})
_PROSE = frozenset({"p", "para", "simpara", "li", "item", "entry", "text", "body", "content", "description", "summary"})
_LONGEST_TITLE, _LONGEST_LINE, _LONGEST_ATTRIBUTES = 200, 200, 300
# Of a drawing only its words are text.
_DRAWING_WORDS = frozenset({"text", "title", "desc"})


def xml_document(data: bytes) -> ParsedDocument:
    """Parse an XML file. Raises ValueError with what is wrong with it."""
    from lxml import etree  # type: ignore[attr-defined] - it has no stubs

    parser = etree.XMLParser(
        resolve_entities="internal", no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(_reason(str(error), data)) from error
    writer = _Writer(drawing=_name(root) == "svg")
    writer.element(root, 0)
    return writer.document()


def _reason(message: str, data: bytes) -> str:
    if "amplification" in message or "entity loop" in message.lower():
        return "its entities expand to far more than it holds: refused as an entity bomb"
    if "Entity" in message and b"<!ENTITY" in data and (b"SYSTEM" in data or b"PUBLIC" in data):
        return "has an entity that names another file: refused"
    if "depth" in message:
        return "is nested too deeply"
    return f"is not well-formed XML: {message.split(' (<string>')[0]}"


class _Writer:
    """Collects blocks in document order."""

    def __init__(self, *, drawing: bool) -> None:
        self._drawing = drawing
        self._pieces: list[str] = []
        self._blocks: list[Block] = []
        self._lines: list[str] = []
        self._position = 0

    def element(self, element: Any, depth: int) -> None:
        """Write an element and all below it."""
        children = [child for child in element if isinstance(child.tag, str)]
        if self._drawing and not children and _name(element) not in _DRAWING_WORDS:
            return
        if not children or _is_mixed(element, children):
            self._leaf(element, depth)
            return
        self._flush()
        attributes = "" if self._drawing else _attributes(element)
        if attributes:
            self._lines.append(f"{_name(element)} {attributes}")
        for child in children:
            self.element(child, depth + 1)
        self._flush()

    def document(self) -> ParsedDocument:
        """What was written."""
        self._flush()
        title = next((block.label for block in self._blocks if block.label), "")
        return ParsedDocument("\n\n".join(self._pieces), tuple(self._blocks), title)

    def _leaf(self, element: Any, depth: int) -> None:
        name = _name(element)
        words = " ".join("".join(element.itertext()).split())
        if name in _TITLES and 0 < len(words) <= _LONGEST_TITLE and element.getparent() is not None:
            self._flush()
            self._add("heading", words, depth, words)
            return
        if name in _PROSE or len(words) > _LONGEST_LINE or self._drawing:
            self._flush()
            self._add("text", words)
            return
        named = f"{name} {_attributes(element)}".strip()
        if words or named != name:
            self._lines.append(f"{named}: {words}" if words else named)

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._add("text", "\n".join(lines))

    def _add(self, kind: Kind, text: str, level: int = 0, label: str = "") -> None:
        if text:
            end = self._position + len(text)
            self._blocks.append(Block(kind, self._position, end, level, label))
            self._pieces.append(text)
            self._position = end + 2


def _is_mixed(element: Any, children: list[Any]) -> bool:
    """Whether words stand beside the child elements: then it is a paragraph with marked parts."""
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in children)


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2]


def _attributes(element: Any) -> str:
    pairs = (f"{key.rpartition('}')[2]}={' '.join(value.split())}" for key, value in element.attrib.items() if value)
    joined = " ".join(pairs)
    return joined if len(joined) <= _LONGEST_ATTRIBUTES else ""
