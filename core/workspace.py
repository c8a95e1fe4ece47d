"""The workspace: the one folder that holds all state, and where each thing stands in it. Knows no file's content."""

import json
from pathlib import Path

from core.errors import WorkspaceError
from core.files import disk_error, write_json

FORMAT = 1


class Workspace:
    """Paths of a workspace. `open()` creates it, and refuses one that a newer Graft wrote."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    @classmethod
    def open(cls, root: Path) -> "Workspace":
        """Create or check the workspace at `root`. Raises WorkspaceError."""
        workspace = cls(root)
        marker = workspace.root / "workspace.json"
        try:
            workspace.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, workspace.root) from error
        if not marker.exists():
            write_json(marker, {"format": FORMAT})
            return workspace
        try:
            found = int(json.loads(marker.read_text(encoding="utf-8"))["format"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(f'{marker} is damaged: write {{"format": {FORMAT}}} into it') from error
        if found > FORMAT:
            raise WorkspaceError(
                f"workspace {workspace.root} has format {found}, this Graft knows {FORMAT}: "
                "use a newer Graft, or another --workspace"
            )
        return workspace

    @property
    def models(self) -> Path:
        """Prepared model folders."""
        return self.root / "models"

    @property
    def logs(self) -> Path:
        """Log files, rotated."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """State of running processes: pointers, locks, activity marks. Worthless once they stop."""
        return self.root / "run"

    @property
    def users(self) -> Path:
        """What users of the page left behind: conversations, ratings, votes."""
        return self.root / "users.sqlite"

    def pack_data(self, domain: str) -> Path:
        """Documents and examples that a pack's prepare.py wrote."""
        return self.root / "packs" / domain

    def corpus(self, name: str) -> Path:
        """Index of one corpus: Chroma, lexical index, manifest."""
        return self.root / "corpora" / name

    def dataset(self, domain: str) -> Path:
        """Built training rows of a domain."""
        return self.root / "datasets" / domain

    def adapters(self, domain: str) -> Path:
        """Published adapters of a domain, one folder per content hash, and the pointer to the active one."""
        return self.root / "adapters" / domain

    def runs(self, domain: str) -> Path:
        """Training runs of a domain, finished or resumable."""
        return self.root / "runs" / domain

    def uploads(self, domain: str) -> Path:
        """Documents that came through the page."""
        return self.root / "uploads" / domain

    def sources(self, corpus: str) -> Path:
        """What a corpus is made of besides a pack's own documents: its title, and folders that are followed."""
        return self.root / "sources" / f"{corpus}.json"

    @property
    def all_chat_files(self) -> Path:
        """Files of conversations, a folder for each domain."""
        return self.root / "chat-files"

    def chat_files(self, domain: str) -> Path:
        """Files of conversations about a domain, a folder for each user and conversation."""
        return self.all_chat_files / domain

    def feedback(self, domain: str) -> Path:
        """What people said of a domain's answers: ratings and corrections."""
        return self.root / "feedback" / domain

    def lab(self, domain: str) -> Path:
        """Lab runs and the answer cache of a domain."""
        return self.root / "lab" / domain
