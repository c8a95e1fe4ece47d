"""Writes small PDF files for tests: pages of lines, or of texts, rules and pictures at given places."""

import zlib
from collections.abc import Sequence


def write_pdf(pages: list[list[tuple[int, str]]]) -> bytes:
    """A PDF with one text block per line, each with its font size."""
    contents = []
    for lines in pages:
        content = b"BT 72 720 Td 60 TL\n"
        for size, line in lines:
            content += b"/F1 %d Tf (%s) Tj T*\n" % (size, _escaped(line))
        contents.append(content + b"ET")
    return _document(contents)


def write_placed_pdf(pages: Sequence[Sequence[tuple]]) -> bytes:
    """A PDF of items: `(x, y, size, text)`, `(x0, y0, x1, y1)` for a rule; points from the lower left corner.

    Text with a fifth part is on its side.
    """
    return _document([_placed(items) for items in pages])


def write_form_pdf(pages: Sequence[Sequence[tuple]], form: Sequence[tuple], before: bytes = b"") -> bytes:
    """A PDF of placed items; on every page, above `before` and its own items, a form with items of its own.

    So pages are stamped, joined with others, or given drawings.
    """
    content = _placed(form)
    stream = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> "
        b"/Length %d >>\nstream\n%s\nendstream" % (len(content), content)
    )
    return _document([before + _placed(items) + b"q /I1 Do Q" for items in pages], stream)


def write_scanned_pdf(first: str, width: int, height: int, pixels: bytes) -> bytes:
    """A PDF of two pages: a line of text, then a picture (one byte of grey per pixel) as scanners write it."""
    packed = zlib.compress(pixels)
    picture = (
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 "
        b"/Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (width, height, len(packed), packed)
    )
    text = b"BT /F1 12 Tf 72 720 Td (%s) Tj ET" % _escaped(first)
    return _document([text, b"q 612 0 0 792 0 0 cm /I1 Do Q"], picture)


def write_objects(objects: Sequence[bytes]) -> bytes:
    """A PDF of these objects, the first its catalogue, with a cross-reference table."""
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)


def _placed(items: Sequence[tuple]) -> bytes:
    content = b""
    for item in items:
        if isinstance(item[3], str):
            x, y, size, text = item[:4]
            turned = b"0 1 -1 0" if item[4:] else b"1 0 0 1"
            content += b"BT /F1 %g Tf %s %g %g Tm (%s) Tj ET\n" % (size, turned, x, y, _escaped(text))
        else:
            content += b"0.5 w %g %g m %g %g l S\n" % item
    return content


def _document(contents: Sequence[bytes], picture: bytes = b"null") -> bytes:
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    objects.append(picture)
    kids = []
    for content in contents:
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R " % len(objects)
        objects.append(page + b"/Resources << /Font << /F1 3 0 R >> /XObject << /I1 4 0 R >> >> >>")
        kids.append(len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % k for k in kids), len(kids))
    return write_objects(objects)


def _escaped(line: str) -> bytes:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("latin-1")
