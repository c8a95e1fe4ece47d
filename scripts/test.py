"""Runs all tests, in two parts: those that share nothing by several workers, then those around one served graft by one.

`python scripts/test.py [OPTIONS OF PYTEST]`. Both run whatever the first one gives; each ends with its own summary.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A worker holds models and starts servers: as many as cores would be too many on a large machine.
WORKERS = os.environ.get("GRAFT_TEST_WORKERS", "2")
# Files stay whole, since their fixtures are costly.
PARTS = (
    ("-n", WORKERS, "--dist", "loadfile", "tests/unit", "tests/integration"),
    ("tests/served", "tests/browser"),
)
_PASSED, _NO_TESTS = 0, 5


def main() -> int:
    """Exit code of pytest: of the last part that failed, or that nothing was found in either."""
    codes = []
    for part in PARTS:
        command = [sys.executable, "-m", "pytest", "-rs", "--durations=10", *sys.argv[1:], *part]
        codes.append(subprocess.run(command, cwd=ROOT, check=False).returncode)
    failed = [code for code in codes if code not in (_PASSED, _NO_TESTS)]
    return failed[-1] if failed else min(codes)


if __name__ == "__main__":
    sys.exit(main())
