"""Word documents: what unstructured would lose or misplace is put right in the file before it reads it.

Inserted text, content controls, text boxes, equations and footnotes become ordinary text; page breaks inside tables
and breaks set by hand are marked the way unstructured counts them. Knows WordprocessingML, nothing of blocks.
"""

import copy
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_UNWRAPPED = ("ins", "moveTo", "smartTag", "customXml", "sdtContent", "sdt")
_DELETED = ("del", "moveFrom", "sdtPr", "sdtEndPr")
# A page holds more than this only in small print; breaks set by hand count pages only if nothing overflows.
_CHARACTERS_PER_PAGE, _PARAGRAPHS_PER_PAGE = 2400, 40


class Word(NamedTuple):
    """The mended file, and the texts of its paragraphs in the style Title."""

    data: bytes
    titles: frozenset[str]


def mend(data: bytes) -> Word:
    """Prepare a .docx for unstructured. Raises what python-docx and lxml raise on damaged files."""
    import docx

    document = docx.Document(BytesIO(data))
    body = document.element.body
    for element in list(body.iter(*(_W + name for name in _DELETED), _FALLBACK)):
        _remove(element)
    for name in _UNWRAPPED:
        for element in list(body.iter(_W + name)):
            _unwrap(element)
    _show_notes(document, body)
    for formula in list(body.iter(f"{_MATH}oMath")):
        _replace(formula, _run("".join(formula.itertext(f"{_MATH}t"))))
    _free_text_boxes(body)
    _count_pages(body)
    target = BytesIO()
    document.save(target)
    titles = (p.text.strip() for p in document.paragraphs if p.style is not None and p.style.name == "Title")
    return Word(target.getvalue(), frozenset(title for title in titles if title))


def _show_notes(document: Any, body: Any) -> None:
    """Put footnotes and endnotes in brackets where they are referred to."""
    for kind in ("footnote", "endnote"):
        part = next((rel.target_part for rel in document.part.rels.values() if rel.reltype.endswith(f"/{kind}s")), None)
        references = list(body.iter(f"{_W}{kind}Reference"))
        if part is None or not references:
            continue
        from docx.oxml import parse_xml

        notes = {note.get(f"{_W}id"): note for note in parse_xml(part.blob).iter(_W + kind)}
        for reference in references:
            note = notes.get(reference.get(f"{_W}id"))
            words = " ".join("".join(note.itertext(f"{_W}t")).split()) if note is not None else ""
            _replace(reference, _text(f" [{words}]" if words else ""))


def _free_text_boxes(body: Any) -> None:
    """Let the paragraphs of a floating text box follow the paragraph that it hangs on."""
    for box in list(body.iter(f"{_W}txbxContent")):
        host = next((above for above in box.iterancestors(f"{_W}p") if above.getparent().tag != box.tag), None)
        if host is None:
            continue
        for paragraph in reversed(list(box)):
            host.addnext(paragraph)


def _count_pages(body: Any) -> None:
    """Leave one mark per page begun, where unstructured counts it; none if the marks cannot be trusted."""
    marks = f"{_W}lastRenderedPageBreak"
    if next(body.iter(marks), None) is None:
        _mark_breaks_set_by_hand(body)
        return
    for table in list(body.iterchildren(f"{_W}tbl")):
        _split_table(table, marks)


def _mark_breaks_set_by_hand(body: Any) -> None:
    breaks = [element for element in body.iter(f"{_W}br") if element.get(f"{_W}type") == "page"]
    if (
        not breaks
        or _overflows(body)
        or any(next(element.iterancestors(f"{_W}tbl"), None) is not None for element in breaks)
    ):
        return
    for element in breaks:
        element.addnext(_make("lastRenderedPageBreak"))


def _overflows(body: Any) -> bool:
    """Whether more stands between two breaks than surely fits on a page."""
    characters = paragraphs = 0
    for block in body.iterchildren(f"{_W}p", f"{_W}tbl"):
        if any(element.get(f"{_W}type") == "page" for element in block.iter(f"{_W}br")):
            characters = paragraphs = 0
        characters += sum(len(text) for text in block.itertext(f"{_W}t"))
        paragraphs += 1 if block.tag == f"{_W}p" else len(list(block.iter(f"{_W}tr")))
        pictures = sum(1 for _ in block.iter(f"{_W}drawing", f"{_W}pict"))
        paragraphs += 15 * pictures
        if characters > _CHARACTERS_PER_PAGE or paragraphs > _PARAGRAPHS_PER_PAGE:
            return True
    return False


def _split_table(table: Any, marks: str) -> None:
    """Cut a table where a page begins inside it; unstructured would count the page of its first row for all."""
    rows = list(table.iterchildren(f"{_W}tr"))
    begins = [index for index, row in enumerate(rows) if next(row.iter(marks), None) is not None]
    for mark in list(table.iter(marks)):
        _remove(mark)
    for index in reversed(begins):
        page = _make("p")
        page.append(_make("r"))
        page[0].append(_make("lastRenderedPageBreak"))
        is_continued = any(merge.get(f"{_W}val") != "restart" for merge in rows[index].iter(f"{_W}vMerge"))
        if index == 0:
            table.addprevious(page)
            continue
        table.addnext(page)
        if not is_continued:
            rest = _make("tbl")
            rest.extend(copy.deepcopy(part) for part in table.iterchildren(f"{_W}tblPr", f"{_W}tblGrid"))
            # The header row stands above the rows of each page, as Word shows it.
            rest.append(copy.deepcopy(rows[0]))
            rest.extend(_following(table, rows[index]))
            page.addnext(rest)


def _following(table: Any, row: Any) -> Iterator[Any]:
    children = list(table)
    return iter(children[children.index(row) :])


def _make(name: str) -> Any:
    from docx.oxml import OxmlElement

    return OxmlElement(f"w:{name}")


def _text(words: str) -> Any:
    element = _make("t")
    element.text = words
    element.set(_SPACE, "preserve")
    return element


def _run(words: str) -> Any:
    run = _make("r")
    run.append(_text(words))
    return run


def _replace(element: Any, by: Any) -> None:
    element.getparent().replace(element, by)


def _remove(element: Any) -> None:
    if element.getparent() is not None:
        element.getparent().remove(element)


def _unwrap(element: Any) -> None:
    parent = element.getparent()
    if parent is None:
        return
    index = parent.index(element)
    parent[index : index + 1] = list(element)
