"""What a file really is, by its first bytes, whatever it is called. Parses nothing; knows no suffix."""

import zipfile
from io import BytesIO
from typing import NamedTuple


class Signature(NamedTuple):
    """What a file is: a name for messages, and the format if it is one that can be read."""

    name: str
    format: str = ""


_STARTS: tuple[tuple[bytes, Signature], ...] = (
    (b"%PDF-", Signature("a PDF", "pdf")),
    (b"{\\rtf", Signature("an RTF document", "rtf")),
    (b"\x7fELF", Signature("a program")),
    (b"\x89PNG", Signature("a PNG image")),
    (b"\xff\xd8\xff", Signature("a JPEG image")),
    (b"GIF87a", Signature("a GIF image")),
    (b"GIF89a", Signature("a GIF image")),
    (b"II*\0", Signature("a TIFF image")),
    (b"MM\0*", Signature("a TIFF image")),
    (b"\x1f\x8b", Signature("a gzip archive")),
    (b"BZh91AY", Signature("a bzip2 archive")),
    (b"\xfd7zXZ\0", Signature("an xz archive")),
    (b"7z\xbc\xaf\x27\x1c", Signature("a 7z archive")),
    (b"Rar!\x1a", Signature("a RAR archive")),
    (b"SQLite format 3\0", Signature("an SQLite database")),
    (b"\xca\xfe\xba\xbe", Signature("a program")),
    (b"OggS\0", Signature("an audio file")),
    (b"ID3\x03", Signature("an audio file")),
    (b"fLaC\0", Signature("an audio file")),
    (b"wOFF", Signature("a font")),
    (b"wOF2", Signature("a font")),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Streams inside the container of the old Office formats, named in UTF-16.
_OLE_STREAMS: tuple[tuple[str, Signature], ...] = (
    ("EncryptedPackage", Signature("a document locked with a password")),
    ("WordDocument", Signature("an old Word document (.doc)")),
    ("PowerPoint Document", Signature("an old PowerPoint file (.ppt)")),
    ("__substg1.0_", Signature("an Outlook message (.msg)")),
    ("Workbook", Signature("an old Excel workbook", "xls")),
    ("Book", Signature("an old Excel workbook", "xls")),
)
_ZIPPED: tuple[tuple[str, Signature], ...] = (
    ("word/document.xml", Signature("a Word document", "docx")),
    ("xl/workbook.xml", Signature("an Excel workbook", "xlsx")),
    ("ppt/presentation.xml", Signature("a PowerPoint file", "pptx")),
)
_MIME_TYPES: dict[bytes, Signature] = {
    b"application/epub+zip": Signature("an EPUB", "epub"),
    b"application/vnd.oasis.opendocument.text": Signature("an OpenDocument text", "odt"),
    b"application/vnd.oasis.opendocument.spreadsheet": Signature("an OpenDocument spreadsheet (.ods)"),
    b"application/vnd.oasis.opendocument.presentation": Signature("an OpenDocument presentation (.odp)"),
}


def signature_of(data: bytes) -> Signature | None:
    """What `data`, the whole file, is by its signature; None for text, and for what has none."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(data)
    if data.startswith(_OLE):
        names = ((name.encode("utf-16-le"), found) for name, found in _OLE_STREAMS)
        return next((found for name, found in names if name in data), Signature("an old Office file"))
    if data.startswith(b"MZ") and b"PE\0\0" in data[:1024]:
        return Signature("a Windows program")
    if data[:4] == b"RIFF" and data[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        return Signature("an image, audio or video file")
    if data[4:8] == b"ftyp":
        return Signature("a video or image file")
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    found = next((found for magic, found in _STARTS if start.startswith(magic)), None)
    if found is None and start[:15].lower().startswith((b"<!doctype html", b"<html")):
        return Signature("an HTML page", "html")
    return found


def _zipped(data: bytes) -> Signature:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
            for part, found in _ZIPPED:
                if part in names:
                    return found
            if "mimetype" in names:
                with archive.open("mimetype") as file:
                    return _MIME_TYPES.get(file.read(100).strip(), Signature("a ZIP archive"))
            if "META-INF/container.xml" in names:
                return Signature("an EPUB", "epub")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return Signature("a damaged ZIP archive")
    return Signature("a ZIP archive")
