"""What corpora are made of besides a pack's documents: those created on the page, and folders that are followed.

One small file per corpus in the workspace (`sources/NAME.json`). Knows no index.
"""

import re
import shutil
import time
import unicodedata
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import RequestError, WorkspaceError
from core.files import disk_error, read_json, write_json
from core.workspace import Workspace

_LONGEST_TITLE = 80
_LONGEST_NAME = 40


class WatchedFolder(BaseModel):
    """A folder whose documents belong to a corpus. `watching`: changes are taken over by themselves."""

    model_config = ConfigDict(frozen=True)

    path: str
    watching: bool = True


class CorpusSources(BaseModel):
    """What `sources/NAME.json` holds. `title` is empty for a corpus that belongs to a domain pack."""

    model_config = ConfigDict(frozen=True)

    title: str = ""
    created: str = ""
    folders: tuple[WatchedFolder, ...] = ()

    def with_folder(self, path: str, *, watching: bool) -> "CorpusSources":
        """The same with this folder, in its old place or the last."""
        folder = WatchedFolder(path=path, watching=watching)
        if all(known.path != path for known in self.folders):
            return self.model_copy(update={"folders": (*self.folders, folder)})
        folders = tuple(folder if known.path == path else known for known in self.folders)
        return self.model_copy(update={"folders": folders})

    def without_folder(self, path: str) -> "CorpusSources":
        """The same without this folder."""
        return self.model_copy(update={"folders": tuple(known for known in self.folders if known.path != path)})


class CorpusRegistry:
    """The corpora of one workspace, as their files have them now."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def read(self, name: str) -> CorpusSources:
        """What a corpus is made of; nothing where it has no file. Raises WorkspaceError for a broken one."""
        path = self._workspace.sources(name)
        if not path.is_file():
            return CorpusSources()
        try:
            return CorpusSources.model_validate(read_json(path))
        except ValidationError as error:
            raise WorkspaceError(f"{path} is damaged: mend or delete it ({error.errors()[0]['msg']})") from error

    def write(self, name: str, sources: CorpusSources) -> None:
        """Keep what a corpus is made of. Raises WorkspaceError."""
        write_json(self._workspace.sources(name), sources.model_dump())

    def names(self) -> list[str]:
        """Corpora that have a file, by name."""
        return sorted(path.stem for path in self._workspace.sources("any").parent.glob("*.json"))

    def created(self) -> dict[str, CorpusSources]:
        """Corpora that were created on the page, by name."""
        found = {name: self.read(name) for name in self.names()}
        return {name: sources for name, sources in found.items() if sources.title}

    def create(self, title: str, taken: set[str]) -> str:
        """Create a corpus, under a name made of its title that is not `taken`. Raises RequestError, WorkspaceError."""
        title = " ".join("".join(c for c in title if unicodedata.category(c)[0] != "C" or c.isspace()).split())
        if not title:
            raise RequestError("a collection needs a name: type one")
        if len(title) > _LONGEST_TITLE:
            raise RequestError(f"that name is too long: use {_LONGEST_TITLE} characters at most")
        if any(sources.title.casefold() == title.casefold() for sources in self.created().values()):
            raise RequestError(f"there is a collection '{title}' already: choose another name")
        name = _free_name(title, taken | set(self.names()))
        try:
            self._workspace.uploads(name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, self._workspace.uploads(name)) from error
        self.write(name, CorpusSources(title=title, created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())))
        return name

    def remove(self, name: str) -> None:
        """Remove a corpus that was created on the page: its file, uploads and index. Raises RequestError."""
        if name not in self.created():
            raise RequestError(f"collection '{name}' was not created on this page, so it is not removed here")
        # The file first: what is left of a removal that was cut short belongs to nothing, and is not served.
        self._workspace.sources(name).unlink(missing_ok=True)
        for folder in (self._workspace.corpus(name), self._workspace.uploads(name)):
            try:
                shutil.rmtree(folder, ignore_errors=not folder.exists())
            except OSError as error:
                raise disk_error(error, folder) from error


def checked_folder(text: str, workspace: Workspace, allowed: tuple[Path, ...] | None = None) -> Path:
    """The folder that a user named, as an absolute path. Raises RequestError.

    Not the workspace, nor anything that holds it or stands in it: indexes and conversations are no documents. `allowed`
    restricts it to what stands below these; None: any folder.
    """
    path = Path(text.strip()).expanduser()
    if not text.strip() or not path.is_absolute():
        raise RequestError("type the whole path of a folder on this server, such as /home/me/documents")
    try:
        path = path.resolve(strict=True)
        list(path.iterdir())
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError(f"{text.strip()} cannot be read as a folder ({reason}): check the path") from error
    root = workspace.root.resolve()
    if path.is_relative_to(root) or root.is_relative_to(path):
        raise RequestError(f"{path} holds Graft's own workspace: choose a folder of documents")
    if allowed is not None and not any(path.is_relative_to(one.expanduser().resolve()) for one in allowed):
        known = ", ".join(map(str, allowed)) or "none"
        raise RequestError(
            f"{path} may not be watched: allowed is what stands below these folders (ingest.watchable): {known}"
        )
    return path


def _free_name(title: str, taken: set[str]) -> str:
    folded = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().casefold()
    plain = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:_LONGEST_NAME].strip("-")
    if not plain or not plain[0].isalpha():
        plain = f"collection-{plain}".strip("-")
    number = 1
    name = plain
    while name in taken:
        number += 1
        name = f"{plain}-{number}"
    return name
