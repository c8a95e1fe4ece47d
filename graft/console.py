"""What the commands say: results on stdout, progress and remarks on stderr. Holds what the global options chose."""

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.pack import DomainPack
    from core.service import TrainingStatus
    from core.settings import Settings
    from core.workspace import Workspace


@dataclass
class Console:
    """The global options of one invocation, and the ways to speak. `flags` are dotted setting names."""

    flags: dict[str, Any] = field(default_factory=dict)
    config: Path | None = None
    verbose: bool = False
    started: float = field(default_factory=time.perf_counter)

    def settings(self, **flags: Any) -> "Settings":
        """Settings with this invocation's flags on top. Keys of `flags` use two underscores for a dot."""
        from core.settings import load_settings

        own = {key.replace("__", "."): value for key, value in flags.items()}
        return load_settings({**self.flags, **own}, self.config)

    def open(self, domain: str, **flags: Any) -> "tuple[Settings, Workspace, DomainPack]":
        """Settings, workspace and pack for a command about one domain."""
        settings, workspace, packs = self.open_all([domain], **flags)
        return settings, workspace, packs[0]

    def open_all(self, domains: Sequence[str], **flags: Any) -> "tuple[Settings, Workspace, list[DomainPack]]":
        """The same for a command about several. Raises PackError where two of them are one, or share a name."""
        from core.errors import PackError
        from core.workspace import Workspace
        from graft.build import open_pack

        settings = self.settings(**flags)
        workspace = Workspace.open(settings.workspace)
        log_to_file(workspace.logs / "graft.log", verbose=self.verbose)
        packs = [open_pack(domain, workspace) for domain in domains]
        names = [pack.name for pack in packs]
        for name in names:
            if names.count(name) > 1:
                raise PackError(f"domain '{name}' is named twice: give --domain once for each domain")
        return settings, workspace, packs

    def say(self, text: str) -> None:
        """A remark on stderr."""
        print(text, file=sys.stderr, flush=True)

    def emit(self, value: Any) -> None:
        """One JSON document on stdout."""
        print(json.dumps(value, ensure_ascii=False, indent=2, default=str))

    @property
    def seconds(self) -> float:
        """Seconds since the process started, imports included."""
        return round(seconds_since_start(), 3)

    @contextlib.contextmanager
    def bars(self) -> Iterator[Callable[[str, int, int], None]]:
        """Progress bars on stderr, one per stage name; plain lines where stderr is no terminal."""
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = RichConsole(stderr=True)
        if not console.is_terminal:
            yield _plain_progress(self.say)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            tasks: dict[str, Any] = {}

            def update(stage: str, done: int, total: int) -> None:
                if stage not in tasks:
                    tasks[stage] = progress.add_task(stage, total=total or None)
                progress.update(tasks[stage], completed=done, total=total or None)

            yield update

    @contextlib.contextmanager
    def training(self) -> "Iterator[Callable[[TrainingStatus], None]]":
        """A training followed live on stderr: loss, rate and speed beside a bar, or a line per twentieth."""
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = RichConsole(stderr=True)
        if not console.is_terminal:
            yield _plain_training(self.say)
            return
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
        with Progress(*columns, TextColumn("{task.fields[figures]}"), console=console) as progress:
            task = progress.add_task("data", total=1.0, figures="")

            def tell(status: "TrainingStatus") -> None:
                stage = {"preparing": "data", "publishing": "publishing"}.get(status.state, "training")
                progress.update(task, description=stage, completed=status.progress, figures=training_figures(status))

            yield tell


def training_figures(status: "TrainingStatus") -> str:
    """What a training says of itself beside its progress: figures that are known, in one line."""
    parts = [
        ("loss {:.3f}", status.loss),
        ("held out {:.3f}", status.validation_loss),
        ("rate {:.1e}", status.learning_rate),
        ("{:,.0f} tokens/s", status.tokens_per_second),
        ("{:.1f} min left", status.seconds_left and status.seconds_left / 60),
    ]
    return "  ".join(form.format(value) for form, value in parts if value is not None) or status.detail


def _plain_training(say: Callable[[str], None]) -> "Callable[[TrainingStatus], None]":
    shown = {"step": ""}

    def tell(status: "TrainingStatus") -> None:
        step = f"{status.state} {int(20 * status.progress) * 5}%"
        if step != shown["step"]:
            shown["step"] = step
            say(f"{step}  {training_figures(status)}".rstrip())

    return tell


def _plain_progress(say: Callable[[str], None]) -> Callable[[str, int, int], None]:
    shown: dict[str, int] = {}

    def update(stage: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if shown.get(stage) != tenth:
            shown[stage] = tenth
            say(f"{stage} {done} of {total}")

    return update


def seconds_since_start() -> float:
    """Wall seconds since this process was created."""
    try:
        # psutil counts from the second in which the machine was started: up to a second off.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):  # no Linux
        import psutil

        return time.time() - psutil.Process().create_time()


def log_to_file(path: Path, *, verbose: bool) -> None:
    """Send the logging module to a rotated file in the workspace, and to stderr with --verbose.

    Requests to the gateway have a file of their own beside it, requests.jsonl: one JSON object a line.
    """
    from logging.handlers import RotatingFileHandler

    path.parent.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    if any(isinstance(handler, RotatingFileHandler) for handler in root.handlers):
        return
    handler = RotatingFileHandler(path, maxBytes=5_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    requests = logging.getLogger("graft.requests")
    lines = RotatingFileHandler(path.with_name("requests.jsonl"), maxBytes=20_000_000, backupCount=3, delay=True)
    lines.setFormatter(logging.Formatter("%(message)s"))
    requests.addHandler(lines)
    requests.propagate = False
    if verbose:
        root.addHandler(logging.StreamHandler(sys.stderr))
