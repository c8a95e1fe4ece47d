"""Compiles requirements/*.txt from pyproject.toml: one file per engine, exact versions, no registry named in any.

Needs the network. `make setup` installs exactly what these files say. Pins that still fit are kept;
`make lock ARGS=--upgrade` takes the newest of everything.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.markers import Marker

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pip_settings import read_pip_options, uv_environment
from setup import ENGINES, PYTHON, ROOT, VENV, default_backend, requirements_file

_LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"}
_ARM = {**_LINUX, "platform_machine": "aarch64"}
_MAC = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"}
_PLATFORMS = {"cpu": [_LINUX], "gpu": [_LINUX], "remote": [_LINUX, _ARM, _MAC]}
_PYTHONS = ("3.11.0", "3.11.9", "3.12.9", "3.13.9")
# What PyPI's Linux torch asks for; the CPU torch that `remote` installs does without.
_CUDA = ("nvidia-", "cuda-", "triton")


def main() -> int:
    """Compile every requirements file; stops at the first that does not resolve."""
    options = read_pip_options(str(PYTHON))
    for engine in ENGINES:
        print(f"lock: requirements/{engine}.txt", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / f"{engine}.txt"
            if requirements_file(engine).exists():
                shutil.copy(requirements_file(engine), output)
            done = subprocess.run(
                command(engine, options, output), cwd=ROOT, env=environment(engine, options), check=False
            )
            if done.returncode:
                print(f"lock: error: requirements/{engine}.txt did not resolve (see above); the old file stands")
                return 1
            lines = [narrow(line, engine) for line in output.read_text(encoding="utf-8").splitlines()]
        requirements_file(engine).write_text("".join(f"{line}\n" for line in lines if line), encoding="utf-8")
    return 0


def command(engine: str, options: dict[str, str], output: Path) -> list[str]:
    """The uv command that compiles one file."""
    result = [str(VENV / "bin" / "uv"), "pip", "compile", "pyproject.toml", "--quiet", "--universal", "--no-annotate"]
    result += [
        "--extra",
        engine,
        "--extra",
        "dev",
        "--override",
        "requirements/overrides.txt",
        "--python-version",
        "3.11",
    ]
    result += ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"]
    backend = default_backend(engine, options)
    if engine == "cpu" and backend != "none":
        result += ["--torch-backend", backend]
    return [*result, "--output-file", str(output), *sys.argv[1:]]


def narrow(line: str, engine: str) -> str:
    """The line for the platforms of `engine` alone: without a marker that always holds, empty if it never does."""
    requirement, _, text = line.partition(" ; ")
    if engine == "remote" and line.startswith(_CUDA):
        return ""
    if not text:
        return line
    marker = Marker(text)
    holds = [
        marker.evaluate(
            {
                **platform,
                "python_full_version": version,
                "python_version": version.rpartition(".")[0],
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
            }
        )
        for platform in _PLATFORMS[engine]
        for version in _PYTHONS
    ]
    return requirement if all(holds) else line if any(holds) else ""


def environment(engine: str, options: dict[str, str]) -> dict[str, str]:
    """The environment for uv; only the CPU file may see find-links, which hold a CPU build of torch."""
    if engine == "cpu":
        return uv_environment(options)
    elsewhere = {key: value for key, value in options.items() if key not in ("find-links", "extra-index-url")}
    return uv_environment(elsewhere, {key: value for key, value in os.environ.items() if key != "UV_FIND_LINKS"})


if __name__ == "__main__":
    sys.exit(main())
