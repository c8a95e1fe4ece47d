"""Parsing processes that hang, crash, are killed or do not start: the file is rejected by name, the rest goes on."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from core.errors import IngestError
from ingest.files import FoundFile
from ingest.pool import ParserPool
from ingest.process import Limits, ParsingProcess

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
# python-markdown needs minutes for it.
ENDLESS = "[" * 60_000


def found(folder: Path, name: str, text: str = "# A page\n\nIts text.\n") -> FoundFile:
    path = folder / name
    path.write_text(text)
    return FoundFile(name, path, len(text), 0)


def outcomes(files, limits, **options):
    with ParserPool(1, limits, **options) as pool:
        return {parsed.file.source: parsed.reason or "indexed" for parsed in pool.parse(files)}


def test_a_file_that_takes_too_long_is_rejected_and_the_next_one_is_parsed(tmp_path):
    files = [found(tmp_path, "a.md"), found(tmp_path, "b.md", ENDLESS), found(tmp_path, "c.md")]
    found_ = outcomes(files, Limits(1 << 20, seconds=15))
    assert found_ == {
        "a.md": "indexed",
        "b.md": "took longer than 15 s to parse (ingest.parse_seconds)",
        "c.md": "indexed",
    }


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "killed: too large for this machine's memory"), (signal.SIGSEGV, "crashed its parser (SIGSEGV)")],
)
def test_a_process_that_dies_takes_only_its_file_with_it(tmp_path, number, reason):
    files = [found(tmp_path, "a.md", ENDLESS), found(tmp_path, "b.md")]
    with ParserPool(1, Limits(1 << 20)) as pool:

        def strike():
            while not pool._processes:
                time.sleep(0.01)
            os.kill(pool._processes[0]._process.pid, number)

        threading.Thread(target=strike).start()
        first, second = pool.parse(files)
    assert first.document is None
    assert reason in first.reason
    assert first.sha256 == ""  # so that another attempt is made
    assert second.document is not None


def test_files_that_vanish_grow_or_turn_into_something_else(tmp_path):
    gone = found(tmp_path, "gone.md")
    gone.path.unlink()
    grown = found(tmp_path, "grown.md")
    grown.path.write_text("word " * 1000)
    swapped = found(tmp_path, "swapped.md")
    swapped.path.unlink()
    os.mkfifo(swapped.path)
    linked = found(tmp_path, "linked.md")
    linked.path.unlink()
    linked.path.symlink_to("/etc/hostname")
    reasons = outcomes([gone, grown, swapped, linked, found(tmp_path, "ok.md")], Limits(1000))
    assert reasons == {
        "gone.md": "cannot be read: No such file or directory",
        "grown.md": "grew over the size limit while it was read",
        "swapped.md": "cannot be read: is no longer a regular file",
        "linked.md": "cannot be read: Too many levels of symbolic links",
        "ok.md": "indexed",
    }


def test_a_process_that_cannot_start_is_an_error_not_a_broken_file(tmp_path, monkeypatch):
    monkeypatch.setattr("ingest.process.sys.executable", "/bin/false")
    with pytest.raises(IngestError, match="parsing process does not start"):
        outcomes([found(tmp_path, "a.md")], Limits(1 << 20))


def test_the_scratch_folder_is_made_anew_and_removed(tmp_path):
    scratch = tmp_path / "workspace" / "parsing"
    scratch.mkdir(parents=True)
    (scratch / "left-by-a-killed-run").write_text("x")
    outcomes([found(tmp_path, "a.md")], Limits(1 << 20), scratch=scratch)
    assert not scratch.exists()
    assert scratch.parent.exists()


def test_leaving_early_leaves_no_process(tmp_path):
    files = [found(tmp_path, f"{n}.md", ENDLESS) for n in range(4)]
    before = set(psutil.Process().children())
    pool = ParserPool(2, Limits(1 << 20))
    with pool:
        results = pool.parse(files)
        threading.Thread(target=lambda: next(results, None), daemon=True).start()
        while len(pool._processes) < 2:
            time.sleep(0.01)
    assert set(psutil.Process().children()) - before == set()


def test_stopping_does_not_read_from_the_channel(tmp_path):
    # Another thread may be waiting there for a reply, and its time-out would become that of the one who stops.
    process = ParsingProcess(tmp_path, Limits(1 << 20))
    channel, process._channel = process._channel, Unreadable(process._channel)
    assert process.stop() == -signal.SIGKILL
    assert channel.fileno() == -1


class Unreadable:
    """A socket that can be waited for and closed."""

    def __init__(self, channel):
        self.fileno, self.close = channel.fileno, channel.close


PARENT = """
import sys
from pathlib import Path
from ingest.files import FoundFile
from ingest.pool import ParserPool
from ingest.process import Limits
path = Path(sys.argv[1])
with ParserPool(1, Limits(1 << 20), Path(sys.argv[2])) as pool:
    list(pool.parse([FoundFile(path.name, path, 0, 0)]))
"""


def test_a_parser_ends_with_the_process_that_started_it(tmp_path):
    file = found(tmp_path, "a.md", ENDLESS)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(file.path), str(tmp_path / "scratch")], cwd=ROOT)
    children: list[psutil.Process] = []
    while not children:
        time.sleep(0.05)
        children = psutil.Process(parent.pid).children()
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    gone, alive = psutil.wait_procs(children, timeout=30)
    assert (len(gone), alive) == (1, [])
