"""How fast documents are parsed: time from starting a process to its first document, then files and bytes per second.

Usage: python bench/bench_parse.py [FOLDER ...] [--workers 1] [--rounds 3]

Without folders: the corpus of the pack helpdesk, which holds most formats. Parsing only: nothing is cut or embedded.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ingest.files import FoundFile, find_files  # noqa: E402
from ingest.pool import ParserPool  # noqa: E402
from ingest.process import Limits, ParsingProcess  # noqa: E402

LIMITS = Limits(64 << 20)


def seconds_to_first(file: FoundFile) -> tuple[float, float]:
    """Seconds until a new process is ready, and until it has parsed its first file."""
    with tempfile.TemporaryDirectory() as scratch, file.path.open("rb") as handle:
        began = time.perf_counter()
        process = ParsingProcess(Path(scratch), LIMITS)
        ready = time.perf_counter() - began
        process.ask(file.source, handle.fileno())
        first = time.perf_counter() - began
        process.stop()
    return ready, first


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folders", nargs="*", type=Path, default=[ROOT / "domains" / "helpdesk" / "corpus"])
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    by_suffix: dict[str, list[FoundFile]] = defaultdict(list)
    for entry in find_files(given.folders, LIMITS.max_bytes):
        if isinstance(entry, FoundFile):
            by_suffix[entry.path.suffix.lower()].append(entry)
    print(f"{'format':8} {'files':>6} {'MB':>8} {'ready s':>8} {'first s':>8} {'files/s':>8} {'MB/s':>8}")
    for suffix, files in sorted(by_suffix.items()):
        starts = [seconds_to_first(files[0]) for _ in range(given.rounds)]
        with ParserPool(given.workers, LIMITS) as pool:
            list(pool.parse(files[:1] * given.workers))  # what a format imports is paid for once
            began = time.perf_counter()
            rejected = sum(parsed.document is None for parsed in pool.parse(files))
            seconds = time.perf_counter() - began
        size = sum(file.size for file in files) / 1e6
        ready, first = (median(column) for column in zip(*starts, strict=True))
        told = f"   {rejected} rejected" if rejected else ""
        print(
            f"{suffix or '-':8} {len(files):6} {size:8.2f} {ready:8.2f} {first:8.2f} {len(files) / seconds:8.1f} "
            f"{size / seconds:8.2f}{told}"
        )


if __name__ == "__main__":
    main()
