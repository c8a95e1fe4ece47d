"""Kills ingestion at random: nothing acknowledged is lost or doubled, the index opens, the next run completes.

Usage: python bench/bench_kill.py [--kills 200] [--seed 7] [--files 24] [--packaged 6] [--skip disk,writers] [--json]

Each round changes a corpus of small files in ten formats at random (from the seed), starts a real ingestion (parsing
processes, SQLite, Chroma; a hash embedder, and for --packaged rounds the packaged one), kills it with SIGKILL, looks
into everything that is left, and lets an ingestion run through; then what is served must be, id by id, what the files
give when they are parsed by themselves. Every 20 rounds it is also compared with a fresh index, text and vectors.

Kills: at a named step, just after it is on disk; at a random moment; the whole process group with its parsers; the
parsers alone. Then full disks (a small tmpfs as root, else a limit on the size of files) and two writers at once.
Exit code 1 if anything was violated.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.kill_harness import KINDS, STEPS, Harness
from ingest.pool import ParserPool
from ingest.process import Limits


def main() -> None:
    """Kill, check, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--files", type=int, default=24, help="files in the corpus at the start")
    parser.add_argument("--packaged", type=int, default=6, help="rounds with the packaged embedder")
    parser.add_argument("--skip", default="", help="parts to leave out: disk, writers")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    skip = set(filter(None, arguments.skip.split(",")))
    os.environ.update({"OPENBLAS_NUM_THREADS": "1", "ANONYMIZED_TELEMETRY": "False"})
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="graft-kill-", dir=arguments.folder) as folder,
        ParserPool(2, Limits(64 << 20), Path(folder) / "truth") as pool,
    ):
        harness = Harness(Path(folder), arguments.seed, arguments.files, pool)
        packaged = set(harness.rng.sample(range(arguments.kills), min(arguments.packaged, arguments.kills)))
        while harness.kills < arguments.kills:
            harness.round(packaged=harness.kills in packaged)
            if harness.kills and harness.kills % 20 == 0:
                print(f"{harness.kills} kills, {len(harness.violations)} violations", file=sys.stderr)
        if "disk" not in skip:
            harness.full_disks()
        if "writers" not in skip:
            harness.two_writers()
        harness.look_for_parsers()
    seconds = time.monotonic() - started
    if arguments.json:
        print(json.dumps({"seed": arguments.seed, "seconds": round(seconds), **summary(harness)}, indent=2))
    else:
        print_table(harness)
        print(f"seed {arguments.seed}, {seconds:.0f} s")
    sys.exit(1 if harness.violations else 0)


def summary(harness: Harness) -> dict[str, Any]:
    """Counts by kind of kill, and what was violated."""
    return {
        "kills": harness.kills,
        "by": {k: dict(v) for k, v in harness.counts.items()},
        "violations": harness.violations,
    }


def print_table(harness: Harness) -> None:
    """One line for each kind of kill."""
    print(f"{'killed at':24}{'kills':>7}{'acknowledged':>14}{'violations':>12}")
    order = [*STEPS, *KINDS[1:], "full disk", "file size limit", "two writers", "not reached", "parsers left"]
    for name in order:
        if name in harness.counts:
            counts = harness.counts[name]
            print(f"{name:24}{counts['kills']:7}{counts['acknowledged']:14}{counts['violations']:12}")
    for violation in harness.violations[:20]:
        print(violation)
    print(f"{harness.kills} kills, {len(harness.violations)} violations")


if __name__ == "__main__":
    main()
