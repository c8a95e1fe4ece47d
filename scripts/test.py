"""Runs all tests, in three parts: most by several workers, then those in a browser, then those with a vLLM, alone.

`python scripts/test.py [OPTIONS OF PYTEST]`. All run whatever the first one gives; each ends with its own summary.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A worker holds models and starts servers: as many as cores would be too many on a large machine.
WORKERS = os.environ.get("GRAFT_TEST_WORKERS", "2")
# The threads of a vLLM wait for each other many times a token: beside other work it writes a hundred times as slowly.
_ALONE = "vllm or served"
# Files stay whole, since their fixtures are costly.
_SHARED = ("-n", WORKERS, "--dist", "loadfile", "-m")
PARTS = (
    (*_SHARED, f"not ({_ALONE})", "tests/unit", "tests/integration"),
    # Apart from the first: a page that waits for a server beside a training may wait longer than a person would.
    (*_SHARED, f"not ({_ALONE})", "tests/browser"),
    ("-m", _ALONE, "tests/integration", "tests/served", "tests/browser"),
)
_PASSED, _NO_TESTS = 0, 5


def main() -> int:
    """Exit code of pytest: of the last part that failed, or that nothing was found in any."""
    codes = []
    for part in PARTS:
        command = [sys.executable, "-m", "pytest", "-rs", "--durations=10", *sys.argv[1:], *part]
        codes.append(subprocess.run(command, cwd=ROOT, check=False).returncode)
    failed = [code for code in codes if code not in (_PASSED, _NO_TESTS)]
    return failed[-1] if failed else min(codes)


if __name__ == "__main__":
    sys.exit(main())
