"""A document as the manifest has it, and as it is to be stored. Knows neither SQLite nor how it was parsed."""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.chunks import Chunk
from ingest.files import FoundFile


@dataclass(frozen=True, slots=True)
class Known:
    """A document as the manifest has it."""

    sha256: str
    size: int
    mtime_ns: int
    seen_ns: int
    status: str
    reason: str
    parsing: str

    @property
    def is_unsettled(self) -> bool:
        """Whether the last attempt to read it failed for a reason that may pass: its parsing process died."""
        return bool(self.reason) if self.status == "indexed" else not self.sha256

    def looks_like(self, file: FoundFile) -> bool:
        """Whether size and time say that the file is unchanged. A file written while it was read last time does not."""
        settled = self.seen_ns - self.mtime_ns > 2_000_000_000
        return settled and (self.size, self.mtime_ns) == (file.size, file.mtime_ns)


@dataclass(frozen=True, slots=True)
class Document:
    """A document to be stored: the file, the hash of its bytes, and its chunks."""

    file: FoundFile
    sha256: str
    chunks: Sequence[Chunk]
    title: str = ""
    format: str = ""
    notes: str = ""
