"""Adapters as one file: packing a published one, unpacking a stranger's without trusting a name or a size in it."""

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from core.errors import AdapterError
from core.files import disk_error
from finetune.admission.tensors import MOST_BYTES

MOST_MEMBERS = 64
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
_BLOCK = 1 << 20
# The first moment that a zip file can name: equal content gives equal files.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class _Member(NamedTuple):
    name: str
    is_file: bool
    is_folder: bool
    size: int
    open: Callable[[], IO[bytes] | None]


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is an archive."""
    return path.name.endswith(_SUFFIXES)


def pack(folder: Path, target: Path) -> Path:
    """Write the files of `folder` into the zip file `target`, the same bytes for the same content."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        building = target.with_name(f".{target.name}.new")
        with zipfile.ZipFile(building, "w") as archive:
            for path in sorted(p for p in folder.iterdir() if p.is_file()):
                info = zipfile.ZipInfo(path.name, _EPOCH)
                info.external_attr = 0o644 << 16
                # Weights do not compress; the rest is small.
                with archive.open(info, "w", force_zip64=True) as file, path.open("rb") as source:
                    while block := source.read(_BLOCK):
                        file.write(block)
        building.replace(target)
    except OSError as error:
        raise disk_error(error, target) from error
    return target


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack `archive` into `folder` and return the folder that holds the adapter. Raises AdapterError.

    Only plain files with plain names come out, at most MOST_MEMBERS, and at most MOST_BYTES in all, counted as written.
    """
    try:
        if archive.name.endswith(".zip"):
            with zipfile.ZipFile(archive) as opened:
                _write(_zip_members(opened), folder, archive)
        else:
            with tarfile.open(archive) as opened:
                _write(_tar_members(opened), folder, archive)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise AdapterError(f"{archive.name} cannot be read as an archive: {error}") from error
    except OSError as error:
        if error.filename is None:  # gzip's own complaints
            raise AdapterError(f"{archive.name} cannot be read as an archive: {error}") from error
        raise disk_error(error, folder) from error
    entries = list(folder.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


def _write(members: Iterator[_Member], folder: Path, archive: Path) -> None:
    left = MOST_BYTES
    seen: set[str] = set()
    for member in members:
        parts = _plain_parts(member.name)
        if parts is None:
            raise AdapterError(f"{archive.name}: entry '{member.name}' leaves the archive's folder")
        if member.is_folder:
            continue
        if not member.is_file:
            raise AdapterError(f"{archive.name}: entry '{member.name}' is a link or a device")
        name = "/".join(parts).casefold()
        if name in seen:
            raise AdapterError(f"{archive.name}: entry '{member.name}' occurs twice")
        seen.add(name)
        if len(seen) > MOST_MEMBERS:
            raise AdapterError(f"{archive.name} holds more than {MOST_MEMBERS} files: that is no adapter")
        if len(parts) > 2:
            continue  # deeper than folder/file: nothing of an adapter stands there
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        source = member.open()
        if source is None:
            raise AdapterError(f"{archive.name}: entry '{member.name}' cannot be read")
        with source, path.open("xb") as file:
            while block := source.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise AdapterError(f"{archive.name} unpacks to more than {MOST_BYTES >> 20} MiB: refused")
                file.write(block)


def _plain_parts(name: str) -> list[str] | None:
    """Parts of a relative path that goes nowhere but down; None for any other."""
    if not name or name.startswith(("/", "\\")) or "\\" in name or "\0" in name or ":" in name:
        return None
    parts = [part for part in PurePosixPath(name).parts if part != "."]
    return None if ".." in parts or not parts else parts


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        if info.flag_bits & 1:
            raise AdapterError("the archive is encrypted: unpack it first")
        kind = (info.external_attr >> 16) & 0o170000
        yield _Member(
            info.filename,
            kind in (0, 0o100000),
            info.is_dir(),
            info.file_size,
            lambda info=info: archive.open(info),
        )


def _tar_members(archive: tarfile.TarFile) -> Iterator[_Member]:
    for info in archive:
        yield _Member(info.name, info.isreg(), info.isdir(), info.size, lambda info=info: archive.extractfile(info))
