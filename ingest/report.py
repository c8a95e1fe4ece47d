"""What an ingestion says when it is done, as `graft ingest --json` prints it. Knows no stage."""

from pydantic import BaseModel


class Rejected(BaseModel):
    """A file that was not indexed, and why."""

    source: str
    reason: str


class Note(BaseModel):
    """A remark about a document that was indexed: pages without text, for example."""

    source: str
    note: str


class IngestReport(BaseModel):
    """Counts of documents; `chunks` is the total in the index, `seconds` wall time.

    `found` is every file, link and special file below the corpus folders. Each ends in exactly one of indexed (new),
    updated, renamed (moved, content as before), skipped (unchanged) and rejected; `deleted` counts documents whose
    file is gone. `embedded` counts chunks that went through the embedder; `notes` are about documents of this run.
    """

    found: int = 0
    indexed: int = 0
    updated: int = 0
    renamed: int = 0
    skipped: int = 0
    deleted: int = 0
    rejected: list[Rejected] = []
    notes: list[Note] = []
    chunks: int = 0
    embedded: int = 0
    seconds: float = 0.0

    @property
    def reconciles(self) -> bool:
        """Whether every entry that was found is accounted for."""
        return self.found == self.indexed + self.updated + self.renamed + self.skipped + len(self.rejected)

    @property
    def changed(self) -> bool:
        """Whether the index holds anything else than before."""
        return bool(self.indexed or self.updated or self.renamed or self.deleted)
