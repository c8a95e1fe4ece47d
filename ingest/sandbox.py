"""What a parsing process may still do: read the code that it runs, write its scratch folder, use so much memory.

The documents themselves are not among the readable files: the pool opens them and hands each over as an open file, so
that a document can make its parser read nothing, not even another document. Knows no parser and no pool.
"""

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from ingest.landlock import landlock_version, shut_files
from ingest.seccomp import forbid_sockets

_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/opt", "/nix/store", "/etc/ld.so.cache", "/etc/ld.so.preload",
           "/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo", "/proc/sys/vm")  # fmt: skip
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
# What a parsing process is told of its surroundings: no keys, no tokens, no home.
_KEPT = ("PATH", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME",
         "VIRTUAL_ENV", "TESSDATA_PREFIX", "SYSTEMROOT")  # fmt: skip
# No temporary file of a parser is larger.
_LARGEST_FILE = 1 << 30
_OPEN_FILES = 512


def environment(scratch: Path, root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Environment of a parsing process whose code lies in `root` and which writes to `scratch`."""
    kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith("LC_")}
    path = os.pathsep.join(part for part in (str(root), environ.get("PYTHONPATH", "")) if part)
    homes = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(scratch))
    return {**kept, **homes, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}


def restrict(scratch: Path, memory_bytes: int) -> dict[str, str]:
    """Give up, for good, what parsing does not need. Returns what holds: `{"memory", "files", "network"}`.

    An empty word means that this system cannot enforce it for native code; Python code is kept from the network either
    way. To be called before the process starts threads.
    """
    limits = _limit(memory_bytes)
    _forbid_network_in_python()
    try:
        files = f"Landlock {landlock_version()}" if shut_files(_readable(), [scratch, *map(Path, _DEVICES)]) else ""
    except OSError:
        files = ""
    return {"memory": limits, "files": files, "network": "seccomp" if forbid_sockets() else ""}


def allow_seconds(seconds: float) -> None:
    """Let this process compute `seconds` from now; a process that it starts, as long as this one has in all."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit = int(used.ru_utime + used.ru_stime + seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _readable() -> Iterator[Path]:
    """Folders of Python, its packages and the system's programs and libraries; nobody's documents."""
    own = Path(__file__).resolve().parent
    yield own
    yield own.parent / "core"
    for folder in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values(), *_SYSTEM):
        yield Path(folder)
    for entry in sys.path:
        # The folder that holds our own packages may hold the workspace too.
        if entry and Path(entry).resolve() != own.parent:
            yield Path(entry)
    if os.environ.get("TESSDATA_PREFIX"):
        yield Path(os.environ["TESSDATA_PREFIX"])
    program = shutil.which("tesseract")
    if program:
        yield Path(program).resolve().parent


def _limit(memory_bytes: int) -> str:
    import resource

    limits = {
        # Data, not address space: pandoc reserves a terabyte of addresses that it never touches.
        resource.RLIMIT_DATA: memory_bytes,
        resource.RLIMIT_FSIZE: _LARGEST_FILE,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))
    os.nice(5)
    return f"{memory_bytes >> 20} MiB"


def _forbid_network_in_python() -> None:
    # Where the kernel refuses sockets, this says so in plain words; where it does not, it is all there is.
    import socket

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError("parsing has no network")

    socket.socket.connect = refuse  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = refuse  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = refuse  # type: ignore[assignment]
