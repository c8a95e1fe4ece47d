"""Whether a further vLLM fits beside what runs here: arithmetic over its model's files, and this machine's figures.

Starts nothing.
"""

from collections.abc import Sequence
from pathlib import Path

from core.errors import ModelError
from core.processor import multiplies_bfloat16
from core.settings import ServeSettings
from graft.machine import available_memory, gpu_memory

GIB = 1 << 30
# Interpreter, torch, vLLM and compiled kernels of one server on a CPU; on a GPU its context, graphs and activations.
PROCESS_GIB = 2.0
_GPU_PROCESS_GIB = 2.0
# A GPU's cache gets what is left; with less than this, a handful of questions would wait for each other.
_LEAST_CACHE_GIB = 1.0
_GPU_SLACK_GIB = 0.3


def check_room(name: str, model: Path, serve: ServeSettings, *, cpu: bool) -> float:
    """The share of a GPU's memory that a vLLM for folder `model` may take; on a CPU the setting's own.

    Raises ModelError with figures and remedies where memory will not do.
    """
    weights = sum(path.stat().st_size for path in model.glob("*.safetensors")) / GIB
    if cpu and serve.dtype in ("auto", "float32") and not multiplies_bfloat16():
        weights *= 2  # stored in 16 bits, served in 32
    gpus = [] if cpu else gpu_memory()
    if gpus:
        return gpu_share(name, model, weights, serve, gpus)
    available = available_memory() / GIB
    needs = {"weights": weights, "key-value cache": serve.kv_cache_gib, "vLLM itself": PROCESS_GIB}
    if sum(needs.values()) > available:
        raise ModelError(f"{_too_little(name, needs, available)} lower serve.kv_cache_gib, {_alone(model)}")
    return serve.gpu_memory_utilization


def gpu_share(
    name: str, model: Path, weights: float, serve: ServeSettings, gpus: Sequence[tuple[float, float]]
) -> float:
    """The share of each GPU's memory for `weights` GiB over `serve.tensor_parallel` of them. Raises ModelError.

    `gpus` are GiB free and in all. vLLM refuses to start with a share that is not free.
    """
    used = gpus[: serve.tensor_parallel]
    needs = {
        "weights": weights / len(used),
        "key-value cache": _LEAST_CACHE_GIB,
        "vLLM itself": _GPU_PROCESS_GIB,
    }
    free = min(free for free, _ in used) - _GPU_SLACK_GIB
    if sum(needs.values()) > free:
        least = f"lower serve.gpu_memory_utilization (it is {serve.gpu_memory_utilization:g}, the base's share)"
        raise ModelError(f"{_too_little(name, needs, max(free, 0.0))} {least}, {_alone(model)}")
    return min(serve.gpu_memory_utilization, int(100 * min((free / total) for _, total in used)) / 100)


def _too_little(name: str, needs: dict[str, float], available: float) -> str:
    parts = ", ".join(f"{part} {size:.1f}" for part, size in needs.items())
    return (
        f"{name} is a whole model, which needs a second vLLM of about {sum(needs.values()):.1f} GiB ({parts}), and "
        f"{available:.1f} GiB are free:"
    )


def _alone(model: Path) -> str:
    return f"or stop this graft and serve it alone: graft up --llm {model}"
