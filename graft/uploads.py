"""Where files that came through the page are kept, and with them all places that a domain's documents are read from."""

from pathlib import Path

from core.pack import DomainPack
from core.workspace import Workspace

# Sources of uploaded files begin with this, so that they cannot clash with those of a pack.
PREFIX = "uploads/"


def uploads_root(pack: DomainPack, workspace: Workspace) -> Path:
    """The corpus folder of uploaded files; it need not exist."""
    return workspace.uploads(pack.name)


def upload_path(pack: DomainPack, workspace: Workspace, source: str) -> Path:
    """The file behind the source of an upload."""
    return uploads_root(pack, workspace) / source


def corpus_roots(pack: DomainPack, workspace: Workspace) -> list[Path]:
    """The pack's own folders and files, and the uploads if there ever were any. Raises PackError."""
    uploads = uploads_root(pack, workspace)
    return [*pack.corpus_paths, *([uploads] if uploads.is_dir() else [])]
