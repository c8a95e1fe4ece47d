"""Facts about this machine: GPUs, vector units, memory, packages. Judges nothing."""

import shutil
import subprocess
from importlib import metadata
from pathlib import Path


def nvidia_gpus() -> list[str]:
    """Name and memory of each NVIDIA GPU; empty without one."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in listed.stdout.splitlines() if line.strip()] if listed.returncode == 0 else []


def gpu_memory() -> list[tuple[float, float]]:
    """GiB that are free and that there are, of each NVIDIA GPU; empty without one."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", "--query-gpu=memory.free,memory.total", "--format=csv,noheader,nounits"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        pairs = [line.split(",") for line in listed.stdout.splitlines() if line.strip()]
        return [(float(free) / 1024, float(total) / 1024) for free, total in pairs]
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return []


def available_memory() -> int:
    """Bytes that can be taken now, a container's limit included."""
    import psutil

    available = psutil.virtual_memory().available
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return available
    return min(available, limit)


def is_installed(name: str) -> bool:
    """Whether a distribution of that name is installed."""
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
