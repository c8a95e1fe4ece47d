"""`graft ingest` and `graft index` as they are typed: output, exit codes, and what a command does not load."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time

import pytest

from ingest.lock import writer_lock
from tests.support.corpora import REPOSITORY, page, settle, write_pages

pytestmark = pytest.mark.integration
DOMAIN = "name: tiny\npersona: P\ncorpus: [corpus/]\n"


@pytest.fixture
def pack(tmp_path):
    folder = tmp_path / "pack"
    write_pages(folder / "corpus")
    (folder / "domain.yaml").write_text(DOMAIN)
    return folder


@pytest.fixture
def graft(pack, tmp_path):
    """Runs a command on the pack; returns (exit code, stdout, stderr, heavy modules)."""

    def run(*arguments):
        command = command_line(pack, tmp_path, *arguments)
        done = subprocess.run(command, check=False, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
        *said, last = done.stderr.splitlines()
        report = json.loads(last)
        return report["code"], done.stdout, "\n".join(said), report["modules"]

    return run


def command_line(pack, tmp_path, *arguments):
    options = ["--workspace", str(tmp_path / "ws"), "--domain", str(pack)]
    return [sys.executable, "-m", "tests.support.graft_command", *arguments, *options]


def test_a_command_that_changes_nothing_loads_nothing(graft, pack):
    code, out, _, modules = graft("ingest")
    assert (code, modules) == (0, ["chromadb"])
    assert out.startswith("6 files: 6 indexed, 0 updated, 0 renamed, 0 skipped, 0 rejected; 0 deleted; 12 chunks in ")
    code, out, said, modules = graft("ingest", "--json")
    assert (code, modules, said) == (0, [], "")
    report = json.loads(out)
    assert (report["found"], report["skipped"], report["seconds"] > 0) == (6, 6, True)
    (pack / "corpus" / "sub" / "page0.md").rename(pack / "corpus" / "moved.md")
    settle(pack / "corpus")
    assert json.loads(graft("ingest", "--json")[1])["renamed"] == 1
    code, out, _, modules = graft("index", "status")
    assert (code, modules) == (0, [])
    assert "documents   6 indexed, 0 rejected" in out


def test_rejects_are_listed_and_can_be_listed_again(graft, pack):
    (pack / "corpus" / "bad\nname.png").write_bytes(b"x")
    (pack / "corpus" / "empty.md").write_bytes(b"")
    code, _, said, _ = graft("ingest")
    assert code == 0
    assert "2 files rejected:" in said
    assert r"bad\nname.png  " in said
    _, out, _, _ = graft("index", "status", "--rejected")
    assert [line.split()[0] for line in out.splitlines()[1:]] == [r"bad\nname.png", "empty.md"]
    status = json.loads(graft("index", "status", "--json")[1])
    assert [entry["source"] for entry in status["rejected"]] == [r"bad\nname.png", "empty.md"]
    assert (status["documents"], status["chunks"], status["waiting"]) == (6, 12, 0)


def test_index_commands(graft, tmp_path):
    code, _, said, _ = graft("index", "status")
    assert (code, said.count("\n")) == (1, 0)
    assert "has no index" in said
    assert graft("index", "verify")[0] == 1
    graft("ingest")
    code, out, _, modules = graft("index", "verify")
    assert code == 0
    assert "is whole" in out
    assert "torch" not in modules
    (tmp_path / "ws" / "corpora" / "tiny" / "generation.json").write_text("{")
    code, out, _, _ = graft("index", "verify")
    assert code == 1
    assert out.startswith("generation: ")
    assert "-> graft index repair --domain " in out
    problems = json.loads(graft("index", "verify", "--json")[1])["problems"]
    assert [problem["part"] for problem in problems] == ["generation"]
    code, out, _, _ = graft("index", "repair")
    assert code == 0
    assert "built generation 000002" in out
    assert graft("index", "repair")[1] == "nothing was to be done\n"
    code, out, _, _ = graft("index", "rebuild")
    assert code == 0
    assert "generation 000003" in out
    assert json.loads(graft("index", "rebuild", "--reembed", "--json")[1])["chunks"] == 12
    assert graft("index", "verify")[0] == 0


def test_a_busy_index_is_one_line(graft, tmp_path):
    with writer_lock(tmp_path / "ws" / "corpora"):
        for command in (["ingest"], ["index", "verify"]):
            code, out, said, _ = graft(*command)
            assert (code, out) == (1, "")
            assert f"is being written by process {os.getpid()}" in said


def test_most_documents_are_removed_with_yes_only(graft, pack):
    graft("ingest")
    for n in range(5):
        (pack / "corpus" / "sub" / f"page{n}.md").unlink()
    code, out, said, _ = graft("ingest")
    assert (code, out) == (1, "")
    assert "would remove 5 of 6 documents" in said
    assert "run the same command with --yes" in said
    code, out, _, _ = graft("ingest", "--yes")
    assert code == 0
    assert "5 deleted" in out


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_at_a_terminal_it_asks(graft, pack, tmp_path, answer, code):
    graft("ingest")
    for n in range(5):
        (pack / "corpus" / "sub" / f"page{n}.md").unlink()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command_line(pack, tmp_path, "ingest"),
        cwd=REPOSITORY,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
    )
    os.close(theirs)
    shown = ""
    while "Remove them? [y/N]" not in shown:
        shown += os.read(ours, 4096).decode()
    os.write(ours, f"{answer}\n".encode())
    reader = threading.Thread(target=drain, args=(ours,), daemon=True)
    reader.start()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == code
    assert ("5 deleted" in out) == (code == 0)
    assert "--yes" not in shown


def drain(terminal):
    """Read what a terminal shows until nobody writes to it any more."""
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        pass


def test_watching(pack, tmp_path):
    folder = pack / "corpus" / "sub"
    process = subprocess.Popen(
        command_line(pack, tmp_path, "ingest", "--watch"),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, said = Lines(process.stdout), Lines(process.stderr)
    out.wait_for("6 indexed; 12 chunks")
    said.wait_for("watching the documents")

    (folder / "new.md").write_text("# New\n\nText.\n")
    out.wait_for("1 indexed; 13 chunks")
    (folder / "page0.md").write_text(page(0, "More."))
    (folder / "page1.md").rename(folder / "moved.md")
    out.wait_for("1 updated, 1 renamed; 13 chunks")
    (folder / "empty.md").write_text("")
    said.wait_for("empty.md")

    folder.rename(pack / "away")
    said.wait_for("would remove 7 of 7 documents")
    (pack / "away").rename(folder)
    (folder / "new.md").write_text("# New\n\nOther text.\n")
    out.wait_for("1 updated; 13 chunks")
    with writer_lock(tmp_path / "ws" / "corpora"):
        (folder / "new.md").write_text("# New\n\nYet another text.\n")
        said.wait_for("is being written by process")
    out.wait_for("1 updated; 13 chunks")

    process.send_signal(signal.SIGINT)
    said.wait_for("stopped watching")
    assert process.wait(timeout=30) == 0


class Lines:
    """What a process writes, line by line."""

    def __init__(self, stream):
        self.lines, self.seen = [], 0
        threading.Thread(target=self.read, args=(stream,), daemon=True).start()

    def read(self, stream):
        for line in stream:
            self.lines.append(line)

    def wait_for(self, text):
        """Wait for a line that holds `text`, after those that were waited for before."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            for at in range(self.seen, len(self.lines)):
                if text in self.lines[at]:
                    self.seen = at + 1
                    return
            time.sleep(0.05)
        raise AssertionError(f"no line with {text!r} among {self.lines[self.seen :]}")
