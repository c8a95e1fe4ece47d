"""What an ingestion says when it is done, as `graft ingest --json` prints it. Knows no stage."""

from pydantic import BaseModel


class Rejected(BaseModel):
    """A file that was not indexed, and why."""

    source: str
    reason: str


class IngestReport(BaseModel):
    """Counts of documents; `chunks` is the total in the index, `seconds` wall time.

    Every file ends in exactly one of indexed, updated, skipped (unchanged) and rejected; `deleted` counts documents
    whose file is gone. `embedded` counts chunks that went through the embedder.
    """

    indexed: int = 0
    updated: int = 0
    skipped: int = 0
    deleted: int = 0
    rejected: list[Rejected] = []
    chunks: int = 0
    embedded: int = 0
    seconds: float = 0.0
