"""`graft ingest`: once, or following the documents as they change."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import MassDeletionError
from graft.cli_serve import AsJson, Domain, Trust
from graft.console import Console

if TYPE_CHECKING:
    from core.pack import DomainPack
    from core.settings import Settings
    from core.workspace import Workspace

Progress = Callable[[str, int, int], None]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(ingest)


def ingest(
    context: typer.Context,
    domain: Domain = "django",
    yes: Annotated[
        bool, typer.Option("--yes", help="Go on even if more than half of the documents would be removed.")
    ] = False,
    reembed: Annotated[
        bool, typer.Option("--reembed", help="Embed every chunk again: what another embedder needs.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay, and bring the index up to date whenever documents change.")
    ] = False,
    as_json: AsJson = False,
    trust: Trust = False,
) -> None:
    """Bring the index of a domain up to date with its documents.

    Unchanged documents are neither parsed nor embedded, renamed ones keep what was made of them, those whose files are
    gone are removed. Every file ends as indexed, updated, renamed, skipped or rejected with a reason. Killed at any
    moment, the same command goes on.
    """
    from graft.follow import follow
    from graft.uploads import corpus_roots
    from ingest.watch import Watcher

    console: Console = context.obj
    settings, workspace, pack = console.open(domain)
    command = _Ingestion(console, settings, workspace, pack, trusted=trust)
    if watch:
        watcher = Watcher(corpus_roots(pack, workspace), settings.ingest.max_file_mib << 20)
        follow(command.watched(reembed=reembed, yes=yes), watcher, _print, console.say, domain, as_json=as_json)
        return
    interactive = not as_json and sys.stdin.isatty() and sys.stderr.isatty()
    command.tell(command.run(reembed=reembed, yes=yes, interactive=interactive), as_json=as_json)


class _Ingestion:
    """Ingests the documents of a pack: through the process that serves it, else in this one, with its own embedder."""

    def __init__(
        self, console: Console, settings: "Settings", workspace: "Workspace", pack: "DomainPack", *, trusted: bool
    ) -> None:
        from graft.indexing import command_index

        self.console, self._workspace, self.pack, self._trusted = console, workspace, pack, trusted
        self._index = command_index(settings, workspace, pack, console.say)

    def run(self, *, reembed: bool = False, yes: bool = False, interactive: bool = False) -> dict[str, Any]:
        """Ingest with progress bars; asks before it removes most documents if somebody is there to answer."""
        try:
            with self.console.bars() as progress:
                return self.once(progress, reembed=reembed, yes=yes)
        except MassDeletionError as error:
            if not interactive:
                raise
            self.console.say(str(error).split(" If it is meant")[0])
            if not typer.confirm("Remove them?", err=True):
                raise typer.Exit(1) from None
        with self.console.bars() as progress:
            return self.once(progress, reembed=reembed, yes=True)

    def once(self, progress: Progress, *, reembed: bool, yes: bool) -> dict[str, Any]:
        """Ingest; returns the receipt."""
        from graft.build import prepare_pack
        from graft.connect import find_remote

        remote = find_remote(self._workspace, self.pack)
        if remote is None:
            prepare_pack(self.pack, self.console.say, trusted=self._trusted)
            return self._index.ingest(progress, reembed=reembed, allow_mass_deletion=yes).model_dump()

        def tell(stage: str, share: float) -> None:
            progress(stage, int(share * 100), 100)

        return asyncio.run(remote.ingest(tell, reembed=reembed, allow_mass_deletion=yes))

    def watched(self, *, reembed: bool, yes: bool) -> Callable[[], dict[str, Any]]:
        """What `--watch` does again and again: the first time with progress bars, and only then embedding all again."""
        is_first = True

        def sync() -> dict[str, Any]:
            nonlocal is_first
            started = time.perf_counter()
            if is_first:
                report = self.run(reembed=reembed, yes=yes)
                is_first = False  # not where it failed: whoever follows tries again
            else:
                report = self.once(lambda stage, done, total: None, reembed=False, yes=yes)
            return {**report, "seconds": round(time.perf_counter() - started, 3)}

        return sync

    def tell(self, report: dict[str, Any], *, as_json: bool) -> None:
        """Print the receipt."""
        from graft.receipt import remarks, summary

        report["seconds"] = self.console.seconds
        if as_json:
            self.console.emit(report)
            return
        for line in remarks(report, self.pack.name):
            self.console.say(line)
        print(summary(report), flush=True)


def _print(line: str) -> None:
    print(line, flush=True)
