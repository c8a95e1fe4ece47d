"""Makes `.venv` ready to run Graft: interpreter, uv, the pinned packages for this machine, Graft itself.

Runs on any Python from 3.8, so that a wrong one is told what to do. Finished work is remembered by a stamp; what was
interrupted is done again, from uv's download cache. Installs nothing outside `.venv`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pip_settings import read_pip_options, uv_environment

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "graft-setup.json"
UNFINISHED = VENV / "graft-setup-unfinished"
SUPPORTED = ((3, 11), (3, 12), (3, 13))
ENGINES = ("cpu", "gpu", "remote")
LEAST_FREE_GIB = {"cpu": 6, "gpu": 14, "remote": 3}
UV = "uv>=0.9,<1"


class SetupError(Exception):
    """One line: what is wrong and what to do."""


def main() -> int:
    """Set up, or say in one line why not."""
    parser = argparse.ArgumentParser(description="Set up Graft's .venv")
    parser.add_argument("--engine", choices=("auto", *ENGINES), default="auto", help="which vLLM to install")
    parser.add_argument("--python", default="", help="interpreter to build .venv from")
    options = parser.parse_args()
    started = time.monotonic()
    try:
        engine = choose_engine(options.engine)
        if read_stamp() == fingerprint(engine):
            say(f".venv is ready ({engine}); nothing to do")
            return 0
        install(engine, options.python)
        STAMP.write_text(json.dumps(fingerprint(engine), indent=2) + "\n", encoding="utf-8")
        UNFINISHED.unlink()
    except SetupError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; run make setup again to go on")
        return 130
    except OSError as error:
        say(f"error: {error.strerror or error}: {error.filename}; check the folder's permissions and free space")
        return 1
    say(f"done in {time.monotonic() - started:.0f} s")
    return 0


def install(engine: str, python: str) -> None:
    """Bring `.venv` to the state that the stamp stands for. Raises SetupError."""
    check_platform(engine)
    check_disk(engine)
    if not venv_is_sound():
        interpreter = find_interpreter(python)
        say(f"1/3 new .venv from {interpreter}")
        run_step([interpreter, "-m", "venv", "--clear", str(VENV)], dict(os.environ), "make a virtual environment")
    else:
        say("1/3 .venv is there")
    UNFINISHED.touch()
    STAMP.unlink(missing_ok=True)
    say("2/3 uv, the installer")
    run_step([str(PYTHON), "-m", "pip", "install", "--quiet", UV], dict(os.environ), "install uv")
    pip_options = read_pip_options(str(PYTHON))
    environment = uv_environment(pip_options)
    # Nothing of an outer virtual environment may decide where uv installs.
    environment.pop("CONDA_PREFIX", None)
    environment["VIRTUAL_ENV"] = str(VENV)
    say(f"3/3 packages of requirements/{engine}.txt (some GB on the first run)")
    run_step(uv_sync_command(engine, pip_options), environment, "install the packages")


def uv_sync_command(engine: str, pip_options: dict[str, str]) -> list[str]:
    """The uv command that makes `.venv` hold the pinned packages, Graft itself, pip and uv, and nothing else."""
    keep = VENV / "graft-keep.txt"
    versions = subprocess.run(
        [str(PYTHON), "-c", "import importlib.metadata as m; print(*(f'{n}=={m.version(n)}' for n in ('pip', 'uv')))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    keep.write_text("\n".join([*versions, f"-e {ROOT}", ""]), encoding="utf-8")
    command = [str(VENV / "bin" / "uv"), "pip", "sync", "--compile-bytecode", "--python", str(PYTHON)]
    backend = os.environ.get("GRAFT_TORCH_BACKEND") or default_backend(engine, pip_options)
    if backend != "none":
        command += ["--torch-backend", backend]
    return [*command, str(requirements_file(engine)), str(keep)]


def default_backend(engine: str, pip_options: dict[str, str]) -> str:
    """`none` where pip's find-links hold a CPU torch already, else the PyTorch index that fits."""
    if engine == "gpu":
        return "auto"
    links = (os.environ.get("UV_FIND_LINKS") or pip_options.get("find-links") or "").replace(",", " ").split()
    for link in links:
        # What a page of links holds is not known here; whoever configured one for pip is taken at their word.
        if link.startswith(("http://", "https://")) or any(Path(link.replace("file://", "", 1)).glob("torch-*.whl")):
            return "none"
    return "cpu"


def choose_engine(asked: str) -> str:
    """Which requirements file: as asked, as the torch back-end implies, or by whether an NVIDIA GPU answers."""
    if asked != "auto":
        return asked
    backend = os.environ.get("GRAFT_TORCH_BACKEND", "auto")
    if backend == "cpu":
        return "cpu"
    if backend.startswith("cu"):
        return "gpu"
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return "remote"
    return "gpu" if has_nvidia_gpu() else "cpu"


def has_nvidia_gpu() -> bool:
    """Whether nvidia-smi lists a device."""
    if shutil.which("nvidia-smi") is None:
        return False
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU" in listed.stdout


def fingerprint(engine: str) -> dict[str, str]:
    """Everything that a finished set-up depends on."""
    digest = hashlib.sha256()
    for path in (ROOT / "pyproject.toml", requirements_file(engine)):
        digest.update(path.read_bytes())
    version = venv_version() or ()
    return {
        "engine": engine,
        "inputs": digest.hexdigest(),
        "python": ".".join(map(str, version)),
        "folder": str(ROOT),
        "torch": os.environ.get("GRAFT_TORCH_BACKEND", ""),
    }


def read_stamp() -> dict[str, str] | None:
    """What the last finished set-up was made for, or None."""
    if UNFINISHED.exists() or not PYTHON.exists():
        return None
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def requirements_file(engine: str) -> Path:
    """The compiled requirements of an engine."""
    return ROOT / "requirements" / f"{engine}.txt"


def venv_version() -> tuple[int, int] | None:
    """Python version of `.venv`, or None where there is none."""
    try:
        text = (VENV / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", text, re.MULTILINE)
    return (int(found.group(1)), int(found.group(2))) if found else None


def venv_is_sound() -> bool:
    """Whether `.venv` can be built upon: supported, not left half-made by a kill, made for this folder, with pip."""
    if venv_version() not in SUPPORTED or UNFINISHED.exists():
        return False
    script = "import sys, pip; print(sys.prefix)"
    tried = subprocess.run([str(PYTHON), "-c", script], capture_output=True, text=True, check=False)
    moved = (VENV / "graft-keep.txt").exists() and f"-e {ROOT}\n" not in (VENV / "graft-keep.txt").read_text("utf-8")
    return tried.returncode == 0 and not moved


def find_interpreter(asked: str) -> str:
    """A Python that Graft runs on: the one asked for, this one, or one on PATH. Raises SetupError."""
    names = [asked] if asked else [sys.executable, *(f"python{major}.{minor}" for major, minor in SUPPORTED), "python3"]
    seen = []
    for name in names:
        version = interpreter_version(name)
        if version in SUPPORTED:
            return name
        if version:
            seen.append(f"{name} is {version[0]}.{version[1]}")
    found = "; ".join(dict.fromkeys(seen)) or f"{asked or 'python3'} was not found"
    raise SetupError(f"Graft needs Python 3.11, 3.12 or 3.13 ({found}): install one, then make setup PYTHON=python3.11")


def interpreter_version(name: str) -> tuple[int, int] | None:
    """Major and minor version of an interpreter, or None when it does not start."""
    path = shutil.which(name)
    if path is None:
        return None
    script = "import sys; print(*sys.version_info[:2])"
    tried = subprocess.run([path, "-c", script], capture_output=True, text=True, check=False)
    parts = tried.stdout.split()
    return (int(parts[0]), int(parts[1])) if tried.returncode == 0 and len(parts) == 2 else None


def check_platform(engine: str) -> None:
    """Refuse what vLLM has no build for, with the way round."""
    if engine != "remote" and (sys.platform != "linux" or os.uname().machine != "x86_64"):
        raise SetupError(
            "vLLM runs on Linux x86-64 (or WSL2) only: make setup ENGINE=remote, "
            "then name a vLLM elsewhere with graft's --vllm-url"
        )


def check_disk(engine: str) -> None:
    """Warn early when the packages may not fit; refuse when they certainly do not."""
    free = shutil.disk_usage(ROOT).free / 2**30
    if free < 1:
        raise SetupError(
            f"only {free:.1f} GiB free at {ROOT}: free about {LEAST_FREE_GIB[engine]} GiB, then make setup"
        )
    if free < LEAST_FREE_GIB[engine] and not STAMP.exists():
        say(f"warning: {free:.1f} GiB free at {ROOT}; the packages take about {LEAST_FREE_GIB[engine]} GiB")


def run_step(command: list[str], environment: dict[str, str], purpose: str) -> None:
    """Run a command with its output shown as it comes. Raises SetupError with the cause in one line."""
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    lines: list[str] = []
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.append(line.rstrip())
            # The list of several hundred installed packages is not progress.
            if not re.match(r" [-+~] ", line):
                print(f"    {line}", end="", flush=True)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if process.wait() != 0:
        raise SetupError(f"could not {purpose}: {explain(lines)}")


def explain(lines: list[str]) -> str:
    """The likely cause of a failed step, and the remedy, from what it printed."""
    text = "\n".join(lines)
    if re.search(r"no space left|os error 28|disk quota", text, re.IGNORECASE):
        return "no disk space left; free some GB here and in uv's cache (uv cache clean), then make setup"
    if "ensurepip" in text:
        return "this Python lacks venv; on Debian and Ubuntu: apt-get install python3-venv, then make setup"
    network = (
        r"dns error|connection (refused|reset|error)|timed out|error sending request|temporary failure in name|"
        r"unreachable|newconnectionerror|from versions: none"
    )
    if re.search(network, text, re.IGNORECASE):
        return "the package registry does not answer; check network, proxy and pip's index settings, then make setup"
    if re.search(r"torch", text) and re.search(r"no (matching|version|wheels?)|not found|unsatisfiable", text):
        return (
            "no fitting torch wheel; offer one through pip's find-links or extra-index-url, "
            "or set GRAFT_TORCH_BACKEND (cpu, cu130, none), or use another PYTHON="
        )
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
    return f"{last} (the lines above say more)"


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
