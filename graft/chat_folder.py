"""The folder of one conversation's files: the files themselves, and the index made of them. Knows no user.

files/      the files as they were added
@files/     their index, as that of any corpus; its name is what passages are known by
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from core.chat_files import OWN_FILES, ChatFile
from core.corpus_listing import CorpusListing
from core.errors import IndexMismatchError, RequestError
from core.files import disk_error
from core.index import corpus_counts
from core.settings import IngestSettings

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

Progress = Callable[[str, int, int], None]


class ChatFolder:
    """Holds what stands below `root`, which is made with the first file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming, self.index = root / "files", root / OWN_FILES

    @property
    def has_passages(self) -> bool:
        """Whether a search can find anything."""
        with suppress(IndexMismatchError):
            counts = corpus_counts(self.index)
            return counts is not None and counts[1] > 0
        return False

    def files(self) -> list[ChatFile]:
        """The files by name, and what has become of each."""
        seen = CorpusListing(self.index, "").states()
        found = []
        for entry in self._entries():
            status = entry.stat()
            size, time, state, reason = seen.get(entry.name, (0, 0, "", ""))
            is_current = (size, time) == (status.st_size, status.st_mtime_ns) and state in ("indexed", "rejected")
            values = {"state": state, "reason": reason} if is_current else {}
            found.append(ChatFile.model_validate({"source": entry.name, "size": status.st_size, **values}))
        return found

    def put(self, name: str, path: Path) -> None:
        """Take a copy of a file over, in one step. Raises WorkspaceError."""
        part = self.root / f"part-{uuid4().hex}"
        try:
            self.incoming.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, part)
            part.replace(self.incoming / name)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise disk_error(error, self.incoming / name) from error

    def content(self, name: str) -> bytes:
        """A file's bytes. Raises RequestError where there is none of this name."""
        return self._path(name).read_bytes()

    def remove(self, name: str) -> None:
        """Remove a file. Raises RequestError where there is none of this name."""
        self._path(name).unlink(missing_ok=True)

    def read(self, embeddings: "Embeddings", settings: IngestSettings, progress: Progress) -> None:
        """Bring the index up to date with the files; without any, there is none. Raises IngestError."""
        from ingest.pipeline import ingest_corpus

        if not any(True for _ in self._entries()):
            self.delete()
            return
        try:
            ingest_corpus(
                [self.incoming], self.index, embeddings, settings, on_progress=progress, allow_mass_deletion=True
            )
        except IndexMismatchError:
            # Of another embedder or version. It holds nothing that cannot be read again.
            shutil.rmtree(self.index, ignore_errors=True)
            ingest_corpus([self.incoming], self.index, embeddings, settings, on_progress=progress)

    def delete(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.root, ignore_errors=True)

    def size(self) -> int:
        """Bytes of the files."""
        return sum(entry.stat().st_size for entry in self._entries())

    def _path(self, name: str) -> Path:
        # Among those that are there: a name that leads elsewhere is none of them.
        if name not in {entry.name for entry in self._entries()}:
            raise RequestError(f"'{name}' is not among the files of this conversation")
        return self.incoming / name

    def _entries(self) -> Iterator["os.DirEntry[str]"]:
        if not self.incoming.is_dir():
            return
        with os.scandir(self.incoming) as entries:
            yield from sorted((entry for entry in entries if entry.is_file(follow_symlinks=False)), key=_name)


def folders_below(root: Path) -> Sequence[ChatFolder]:
    """The folders of conversations in `root`."""
    return [ChatFolder(path) for path in root.iterdir() if path.is_dir()] if root.is_dir() else []


def _name(entry: "os.DirEntry[str]") -> str:
    return entry.name.casefold()
