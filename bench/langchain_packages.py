"""The packages of bench/requirements.txt, installed once into the workspace: nothing of Graft needs them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

WANTED = Path(__file__).resolve().parent / "requirements.txt"


def environment(workspace: Path, say: Callable[[str], None]) -> dict[str, str]:
    """What a process that uses the packages has to find in its environment."""
    target = workspace / "bench" / "langchain"
    stamp = target / "installed.txt"
    if not stamp.exists() or stamp.read_text() != WANTED.read_text():
        say("installing the baseline's packages")
        uv = Path(sys.executable).parent / "uv"
        command = [str(uv), "pip", "install", "--quiet", "--no-deps", "--target", str(target), "-r", str(WANTED)]
        subprocess.run(command, check=True)
        stamp.write_text(WANTED.read_text())
    return {"PYTHONPATH": str(target)}
