"""Rounds of killing and looking, as bench_kill runs them: what is killed when, and what is compared afterwards."""

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from bench import kill_checks, kill_child
from bench.kill_child import ERROR_EXIT, PACKAGED, Order
from bench.kill_corpus import ChangingCorpus
from core.index import CorpusFiles
from ingest.pool import ParserPool

STEPS = (
    "manifest opened", "changes noted", "old generations removed", "generation started", "vectors stored",
    "document acknowledged", "chroma half filled", "vectors switched", "snapshot written", "chroma filled",
    "chroma verified", "pointer written",
)  # fmt: skip
KINDS = ("step", "random", "group", "parsers")
WEIGHTS = (0.5, 0.3, 0.1, 0.1)
FRESH_EVERY = 20
FIRST_EVERY = 8
# Steps that happen once in a run.
ONCE = frozenset(STEPS) - {"vectors stored", "document acknowledged", "chroma half filled"}


class Harness:
    """A corpus, an index, and what was acknowledged so far."""

    def __init__(self, folder: Path, seed: int, size: int, pool: ParserPool) -> None:
        self.rng = random.Random(seed)
        self.kills = 0
        self.violations: list[str] = []
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._folder = folder
        self._corpus = ChangingCorpus(folder / "corpus", self.rng, size)
        self._target = folder / "ws" / "corpora" / "kill"
        self._truth = kill_checks.Truth(pool)
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(kill_child.PRELOAD)
        self._embedder = "hash-1"
        self._settled: dict[str, str] = {}  # documents (source: hash) that were served after the last whole run
        self._window = 2.0  # seconds within which random kills fall; adapts
        self._logs = 0

    # --- rounds ---

    def round(self, *, packaged: bool = False) -> None:
        """Change, ingest, kill, check, complete, check."""
        rng = self.rng
        if self.kills % FIRST_EVERY == 0:  # first ingestions are killed as well
            shutil.rmtree(self._target.parent, ignore_errors=True)
            self._settled = {}
        kind = rng.choices(KINDS, WEIGHTS)[0]
        step = rng.choice(STEPS) if kind == "step" else ""
        if packaged or rng.random() < 0.15 or step == "vectors switched":
            self._embedder = PACKAGED if packaged else "hash-2" if self._embedder == "hash-1" else "hash-1"
        self._corpus.change()
        hashes = self._learn()
        log = self._new_log()
        killed = self._run_and_kill(log, kind, step)
        name = (step or kind) if killed else "not reached"
        self.kills += killed
        self.counts[name]["kills"] += 1
        acknowledged = {source: hashes[source] for source in _acknowledged(log)}
        self.counts[name]["acknowledged"] += len(acknowledged)
        unchanged = {source: sha256 for source, sha256 in self._settled.items() if hashes.get(source) == sha256}
        self._judge(name, kill_checks.after_kill(self._files, self._truth, {**unchanged, **acknowledged}))
        self._complete(name, hashes)
        if killed and self.kills % FRESH_EVERY == 0:
            self._compare_with_fresh(name)

    def _run_and_kill(self, log: Path, kind: str, step: str) -> bool:
        """Start an ingestion and kill it as ordered. Whether that happened before it was done."""
        nth = 1 if step in ONCE else self.rng.choice((1, 1, 2, 5))
        process = self._start(log, kill_at=step, kill_nth=nth)
        if kind == "step":
            process.join()
            return process.exitcode == -signal.SIGKILL
        process.join(self.rng.uniform(0, self._window) + (4.0 if self._embedder == PACKAGED else 0.0))
        self._window = max(0.5, self._window * (0.9 if process.exitcode is not None else 1.03))
        if process.exitcode is not None:
            return False
        parsers = _parsers(process.pid)
        if kind != "parsers":
            process.kill()
        for parser in parsers if kind in ("group", "parsers") else ():
            with suppress(psutil.NoSuchProcess):
                parser.kill()
        process.join()
        if kind == "parsers":
            allowed = (0, ERROR_EXIT)
            self._judge(kind, [] if process.exitcode in allowed else [f"died of its parsers: {process.exitcode}"])
            return bool(parsers)
        return process.exitcode == -signal.SIGKILL

    def _complete(self, name: str, hashes: dict[str, str]) -> None:
        """Let an ingestion run through, and another for files whose parser was killed; look at what is served."""
        for _ in range(2):
            log = self._new_log()
            process = self._start(log)
            process.join()
            if process.exitcode != 0:
                self._judge(name, [f"the next run does not complete: {_last(log)}"])
                return
        embedder = "" if self._embedder == PACKAGED else self._embedder
        self._judge(name, kill_checks.after_completion(self._files, self._truth, hashes, embedder))
        self._settled = {s: sha256 for s, sha256 in hashes.items() if self._truth.ids(s, sha256)}

    def _compare_with_fresh(self, name: str) -> None:
        fresh = self._folder / "fresh" / "corpora" / "kill"
        shutil.rmtree(fresh.parent, ignore_errors=True)
        process = self._start(self._new_log(), target=fresh)
        process.join()
        same = process.exitcode == 0 and kill_checks.digest(CorpusFiles(fresh)) == kill_checks.digest(self._files)
        self._judge(name, [] if same else ["differs from a fresh index of the same files"])

    # --- full disks, two writers, what is left ---

    def full_disks(self, rounds: int = 10) -> None:
        """Let ingestions run out of space at different moments, then give them some."""
        for number in range(rounds):
            self._corpus.change()
            hashes = self._learn()
            size = (192 << 10) * (1 + number) + self.rng.randint(0, 128 << 10)
            with _small_disk(self._folder / "disk", size) as grow:
                home, self._target = self._target, self._folder / "disk" / "corpora" / "kill"
                self._settled = {}
                log = self._new_log()
                process = self._start(log, largest_file=None if grow else size // 4)
                process.join()
                name = "full disk" if grow else "file size limit"
                if process.exitcode == ERROR_EXIT and "space" not in _last(log) and grow:
                    self._judge(name, [f"the message does not name the disk: {_last(log)}"])
                if process.exitcode not in (0, ERROR_EXIT):
                    self._judge(name, [f"ended with {process.exitcode}: {_last(log)}"])
                self.counts[name]["kills"] += process.exitcode == ERROR_EXIT
                acknowledged = {source: hashes[source] for source in _acknowledged(log)}
                self.counts[name]["acknowledged"] += len(acknowledged)
                if grow:
                    # SQLite opens nothing where it cannot write a page: what is lost is what does not open with one.
                    grow()
                self._judge(name, kill_checks.after_kill(self._files, self._truth, acknowledged))
                self._complete(name, hashes)
                shutil.rmtree(self._target.parent, ignore_errors=True)
                self._target, self._settled = home, {}

    def two_writers(self, rounds: int = 5) -> None:
        """Start two ingestions at once: each completes, or says who is writing."""
        for _ in range(rounds):
            self._corpus.change()
            hashes = self._learn()
            logs = [self._new_log(), self._new_log()]
            writers = [self._start(log) for log in logs]
            for writer in writers:
                writer.join()
            codes = [writer.exitcode for writer in writers]
            self.counts["two writers"]["kills"] += ERROR_EXIT in codes
            if 0 not in codes or any(code not in (0, ERROR_EXIT) for code in codes):
                self._judge("two writers", [f"exit codes {codes}: {[_last(log) for log in logs]}"])
            for code, log in zip(codes, logs, strict=True):
                if code == ERROR_EXIT and "is being written by" not in _last(log):
                    self._judge("two writers", [_last(log)])
            self._complete("two writers", hashes)

    def look_for_parsers(self) -> None:
        """No parser outlives the ingestion that started it."""
        deadline = time.monotonic() + 10
        while (left := self._orphans()) and time.monotonic() < deadline:
            time.sleep(0.2)
        self._judge("parsers left", [f"process {pid} still runs" for pid in left])

    def _orphans(self) -> list[int]:
        mark = str(self._folder / "ws")
        return [
            process.pid
            for process in psutil.process_iter(["cmdline"])
            if "ingest.worker" in (process.info["cmdline"] or ()) and mark in " ".join(process.info["cmdline"])
        ]

    # --- inside ---

    @property
    def _files(self) -> CorpusFiles:
        return CorpusFiles(self._target)

    def _learn(self) -> dict[str, str]:
        hashes = self._corpus.hashes()
        self._truth.learn(self._corpus.files(), hashes)
        return hashes

    def _start(self, log: Path, target: Path | None = None, **options: Any) -> Any:
        target = target or self._target
        reembed = _made_by_another(CorpusFiles(target), self._embedder)
        order = Order(self._corpus.folder, target, log, self._embedder, reembed=reembed, **options)
        process = self._processes.Process(target=kill_child.run, args=(order,))
        process.start()
        return process

    def _new_log(self) -> Path:
        self._logs += 1
        return self._folder / f"log-{self._logs}"

    def _judge(self, name: str, found: list[str]) -> None:
        for violation in found:
            self.counts[name]["violations"] += 1
            self.violations.append(f"kill {self.kills}, {name}: {violation}")
            print(f"VIOLATION {self.violations[-1]}", file=sys.stderr)


def _acknowledged(log: Path) -> list[str]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.split("\t", 1)[1] for line in lines if line.startswith("document acknowledged\t")]


def _last(log: Path) -> str:
    lines = log.read_text().splitlines() if log.exists() else []
    return lines[-1] if lines else "it said nothing"


def _made_by_another(files: CorpusFiles, embedder: str) -> bool:
    """Whether the vectors of an index are of another embedder than that."""
    if not files.manifest.exists():
        return False
    with suppress(sqlite3.Error), closing(sqlite3.connect(files.manifest, timeout=10)) as manifest:
        row = manifest.execute("SELECT value FROM meta WHERE key = 'embedder'").fetchone()
        if row is not None:
            return row[0].startswith("hash") if embedder == PACKAGED else row[0] != embedder
    return False


def _parsers(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


@contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[Any]:
    """A file system of `size` bytes on `folder`; yields what makes it larger, or None where it cannot be made."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=256m", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # a parser may still be on its way out
