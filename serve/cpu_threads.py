"""How many threads are worth computing with: physical cores that this process may use, within its container's share."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cores() -> int:
    """Physical cores among the allowed logical CPUs, at most the cgroup's CPU quota; at least 1."""
    allowed = os.sched_getaffinity(0)
    return max(1, min(len({_core_of(cpu) for cpu in allowed}), _quota() or len(allowed)))


def _core_of(cpu: int, root: Path = Path("/sys/devices/system/cpu")) -> str:
    topology = root / f"cpu{cpu}" / "topology"
    try:
        package, core = (topology / name for name in ("physical_package_id", "core_id"))
        return f"{package.read_text().strip()}/{core.read_text().strip()}"
    except OSError:
        return f"cpu{cpu}"


def _quota(path: Path = Path("/sys/fs/cgroup/cpu.max")) -> int | None:
    try:
        quota, period = path.read_text().split()
        return None if quota == "max" else math.ceil(int(quota) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None
