"""Looks into the ZIP archives that office files and e-books are, before a parser does. Unpacks nothing to disk."""

import zipfile
import zlib
from io import BytesIO
from pathlib import PurePosixPath

# What an archive may unpack to, whatever its size: 200 times that, at least 64 MiB, at most 1 GiB.
_RATIO, _LEAST, _MOST = 200, 64 << 20, 1 << 30
_ENCRYPTED = 0x1
_XML = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx")
_PROLOGUE = 2048


def check_archive(data: bytes, kind: str) -> None:
    """Refuse archives that unpack to far more than they are, point out of themselves, or are locked.

    Parts in XML that define entities of their own are refused as well: no program writes them, and they serve to read
    other files. Sizes are those that the archive states; one that lies is stopped by the memory limit of the process.
    Raises ValueError.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            locked = kind == "epub" and _has_locked_chapters(archive)
            _refuse_entities(archive, b"<!ENTITY" if kind == "epub" else b"<!DOCTYPE")
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"is not a {kind} file: damaged, or another format under this name") from error
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > min(max(_RATIO * len(data), _LEAST), _MOST):
        raise ValueError(f"unpacks to {unpacked >> 20} MiB from {len(data) >> 10} KiB: refused as a zip bomb")
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in PurePosixPath(name).parts or name[1:3] == ":/":
            raise ValueError(f"holds an entry that points out of it ({entry.filename[:80]!r}): refused")
    if locked or any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise ValueError("is locked: save it without a password or copy protection")


def _refuse_entities(archive: zipfile.ZipFile, mark: bytes) -> None:
    for entry in archive.infolist():
        if entry.filename.lower().endswith(_XML) and not entry.flag_bits & _ENCRYPTED:
            with archive.open(entry) as part:
                if mark in part.read(_PROLOGUE):
                    raise ValueError(f"holds a part with XML entities of its own ({entry.filename[:80]}): refused")


def _has_locked_chapters(archive: zipfile.ZipFile) -> bool:
    """Whether copy protection covers the text. Most books that name an encryption only hide their fonts."""
    if "META-INF/encryption.xml" not in archive.namelist():
        return False
    with archive.open("META-INF/encryption.xml") as file:
        return b"html" in file.read(1 << 20).lower()
