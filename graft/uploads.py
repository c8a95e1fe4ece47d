"""Where files that came through the page are kept, and with them all places that a corpus's documents are read from."""

from pathlib import Path

from core.errors import IngestError
from core.pack import DomainPack
from core.workspace import Workspace
from graft.corpora import CorpusRegistry

# Sources of uploaded files begin with this, so that they cannot clash with those of a pack.
PREFIX = "uploads/"


def upload_path(workspace: Workspace, corpus: str, source: str) -> Path:
    """The file behind the source of an upload."""
    return workspace.uploads(corpus) / source


def corpus_roots(pack: DomainPack, workspace: Workspace, corpus: str | None = None) -> list[Path]:
    """The pack's own folders and files, the uploads if there ever were any, and the folders that are followed.

    `corpus` names another corpus than the pack's, which has the latter two alone. Raises PackError, IngestError.
    """
    name = corpus or pack.name
    own = pack.corpus_paths if name == pack.name else []
    uploads = workspace.uploads(name)
    folders = [Path(folder.path) for folder in CorpusRegistry(workspace).read(name).folders]
    for folder in folders:
        if not folder.is_dir():
            raise IngestError(
                f"the folder {folder} is not there: mount it, or take it out of the collection; "
                "the index stays as it is"
            )
    return [*own, *([uploads] if uploads.is_dir() else []), *folders]
