"""XML to blocks: titles as headings, paragraphs as text, data as `name: value` lines, one block for a record.

unstructured's reader keeps the text before child elements only, and no names: here no text is lost, and a value can be
told from another. Entities that the file itself defines are expanded, within bounds; those that name other files are
refused. Knows no schema.
"""

from typing import Any

from ingest.blocks import Block, Kind, ParsedDocument

_TITLES = frozenset({"title", "head", "heading", "subject", "h1", "h2", "h3", "h4", "h5", "h6"})
_PARAGRAPHS = frozenset({"p", "para", "simpara", "li"})
# Prose in one schema, data in another: what stands in their attributes tells.
_PROSE = _PARAGRAPHS | {"item", "entry", "text", "body", "content", "description", "summary"}
_LONGEST_TITLE, _LONGEST_LINE, _LONGEST_ATTRIBUTES = 200, 200, 300
# How prose is to look: tells nothing of what it says.
_LAYOUT = frozenset({"style", "dir", "lang", "align", "valign", "char", "charoff", "rotate", "colname", "spanname",
                     "namest", "nameend", "morerows", "colsep", "rowsep"})  # fmt: skip
_MARKUP = _LAYOUT | {"class", "id", "role", "rend"}
_SVG, _XHTML, _XML = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/XML/"
# What Atom says of the text in an element.
_TEXT_TYPES = frozenset({"type=text", "type=html", "type=xhtml"})
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
        drawing = self._is_drawn(element)
        if drawing and not children and _name(element) not in _DRAWING_WORDS:
            return
        if not children or _is_mixed(element, children):
            self._leaf(element, depth)
            return
        self._flush()
        self._named(element, "" if drawing else _attributes(element), "")
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
        attributes = "" if self._is_drawn(element) else _attributes(element, is_leaf=True)
        if name in _TITLES and 0 < len(words) <= _LONGEST_TITLE and element.getparent() is not None:
            self._flush()
            self._add("heading", words, depth, words)
            self._named(element, attributes, "")
        elif self._is_drawn(element) or (not attributes and _is_prose(element, words)):
            self._flush()
            self._add("text", words)
        else:
            self._named(element, attributes, words)

    def _is_drawn(self, element: Any) -> bool:
        return self._drawing or element.tag.startswith(_SVG)

    def _named(self, element: Any, attributes: str, words: str) -> None:
        """A line with the element's name, its attributes and words, unless it has neither: long ones stand apart."""
        name = _name(element)
        if not attributes and not words:
            return
        named = f"{name} {attributes}".strip()
        line = f"{named}: {words}" if words else named
        if (words and name in _PARAGRAPHS) or len(words) > _LONGEST_LINE or len(attributes) > _LONGEST_ATTRIBUTES:
            self._flush()
            self._add("text", line)
        else:
            self._lines.append(line)

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


def _is_prose(element: Any, words: str) -> bool:
    return _name(element) in _PROSE or (len(words) > _LONGEST_LINE and element.tag.startswith(_XHTML))


def _attributes(element: Any, *, is_leaf: bool = False) -> str:
    """`key=value key=value`, of prose without what only says how it is to look, or be found."""
    left_out = _left_out(element, is_leaf=is_leaf)
    pairs = []
    for key, value in element.attrib.items():
        name = key.rpartition("}")[2]
        pair = f"{name}={' '.join(value.split())}"
        if value and not (left_out and (name in left_out or key.startswith(_XML) or pair in _TEXT_TYPES)):
            pairs.append(pair)
    return " ".join(pairs)


def _left_out(element: Any, *, is_leaf: bool) -> frozenset[str]:
    """Names of the attributes that are markup, by what the element is: none of data."""
    name = _name(element)
    if element.tag.startswith(_XHTML) or name in _PARAGRAPHS or (is_leaf and name in _TITLES):
        return _MARKUP
    return _LAYOUT if is_leaf and name in _PROSE else frozenset()
