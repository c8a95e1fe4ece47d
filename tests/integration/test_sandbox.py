"""What a parsing process can still do once it is restricted, tried from inside: Python, native code, child programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.landlock import landlock_version
from ingest.sandbox import environment

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
INSIDE = r"""
import ctypes, errno, json, os, socket, subprocess, sys
from pathlib import Path
from ingest.sandbox import allow_seconds, restrict

scratch, outside, secret, open_already = sys.argv[1:5]
handle = os.open(open_already, os.O_RDONLY)
held = restrict(Path(scratch), 512 << 20)
found = {}

def attempt(name, function):
    try:
        found[name] = function() or "done"
    except BaseException as error:
        found[name] = type(error).__name__

def child(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout.strip() or done.stderr.strip().split("\n")[-1].split(":")[0]

def native_socket():
    libc = ctypes.CDLL(None, use_errno=True)
    for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):
        if libc.socket(int(family), socket.SOCK_DGRAM, 0) >= 0:
            return f"made {family}"
        assert ctypes.get_errno() == errno.EACCES
    return "refused"

attempt("read secret", lambda: Path(secret).read_text())
attempt("read passwd", lambda: Path("/etc/passwd").read_text() and "read")
attempt("list root", lambda: os.listdir("/") and "read")
attempt("read environment of parent", lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes() and "read")
attempt("read open file", lambda: os.read(handle, 99).decode())
attempt("write outside", lambda: Path(outside, "x").write_text("x"))
attempt("remove outside", lambda: Path(secret).unlink())
attempt("write scratch", lambda: Path(scratch, "x").write_text("x"))
attempt("link out", lambda: os.symlink(secret, Path(scratch, "link")))
attempt("fifo", lambda: os.mkfifo(Path(scratch, "fifo")))
attempt("signal parent", lambda: os.kill(os.getppid(), 0))
attempt("connect", lambda: socket.create_connection(("127.0.0.1", 9)))
attempt("native socket", native_socket)
attempt("child reads", lambda: child(f"print(open({secret!r}).read())"))
attempt("child connects", lambda: child("import socket; socket.socket(); print('made a socket')"))
attempt("child runs", lambda: child("print(6 * 7)"))
attempt("memory", lambda: len(bytearray(600 << 20)))
attempt("child memory", lambda: child("len(bytearray(600 << 20)); print('had it')"))
attempt("import", lambda: __import__("docx") and "imported")
print(json.dumps({"held": held, "found": found}))
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    (scratch := folder / "scratch").mkdir()
    (secret := folder / "secret.txt").write_text("canary")
    (document := folder / "document.txt").write_text("the document")
    done = subprocess.run(
        [sys.executable, "-P", "-c", INSIDE, str(scratch), str(folder), str(secret), str(document)],
        env=environment(scratch, ROOT, {**os.environ, "OPENAI_API_KEY": "sk-canary"}),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert secret.read_text() == "canary"
    return json.loads(done.stdout)


def test_what_is_reported_is_what_this_system_can_do(tried):
    assert bool(tried["held"]["files"]) == (landlock_version() > 0)
    if sys.platform == "linux":
        assert tried["held"]["network"] == "seccomp"


def test_files_are_out_of_reach(tried):
    if not tried["held"]["files"]:
        assert tried["found"]["read secret"] == "canary"  # and the report says so
        return
    refused = (
        "read secret",
        "read passwd",
        "list root",
        "read environment of parent",
        "write outside",
        "remove outside",
    )
    assert {name: tried["found"][name] for name in (*refused, "link out", "fifo", "child reads")} == dict.fromkeys(
        (*refused, "link out", "fifo", "child reads"), "PermissionError"
    )


def test_other_processes_are_out_of_reach(tried):
    if landlock_version() >= 6:
        assert tried["found"]["signal parent"] == "PermissionError"


def test_what_parsing_needs_still_works(tried):
    found = tried["found"]
    assert found["read open file"] == "the document"
    assert found["write scratch"] == 1
    assert found["child runs"] == "42"
    assert found["import"] == "imported"


def test_there_is_no_network_for_python_native_code_or_children(tried):
    found = tried["found"]
    assert found["connect"] in ("OSError", "PermissionError")
    if tried["held"]["network"]:
        assert found["native socket"] == "refused"
        assert found["child connects"] == "PermissionError"


def test_memory_is_limited_for_children_too(tried):
    assert tried["found"]["memory"] == "MemoryError"
    assert tried["found"]["child memory"] == "MemoryError"


def test_no_keys_are_handed_down(tmp_path):
    kept = environment(tmp_path, ROOT, {"OPENAI_API_KEY": "sk-canary", "PATH": "/bin", "HOME": "/home/somebody"})
    assert "sk-canary" not in kept.values()
    assert kept["HOME"] == kept["TMPDIR"] == str(tmp_path)
