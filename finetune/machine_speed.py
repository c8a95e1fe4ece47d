"""What this machine can do for a training: its device, free memory, and measured speed of matrix products."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

# Share of the speed of plain matrix products that trainings reach, measured with SmolLM2-135M on 2 cores; on GPUs a
# cautious figure for batches of a few thousand tokens.
SHARES = {"fast": 0.5, "cpu": 0.1, "quantised": 0.15, "cuda": 0.35}


@dataclass(frozen=True)
class Machine:
    """`flops`: multiply-adds counted as two, a second; `available`: bytes on each device; `workers`: CPU threads.

    `checkpoints`: whether activations are computed again where nobody says otherwise. `element`: bytes of a number in
    the type that is quick here.
    """

    device: str
    name: str
    available: int
    flops: float
    workers: int = 1
    checkpoints: bool = True
    element: int = 2


def this_machine(available_memory: Callable[[], int], gpus: int = 1) -> Machine:
    """This machine for a training on `gpus`; `available_memory` tells its free main memory in bytes. Takes a moment."""
    import torch

    from finetune.gpus import free_memory, freest
    from finetune.loading import quick_dtype

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        free = free_memory()
        least = min(free[number] for number in freest(gpus, free))
        small = properties.total_memory < 40 << 30
        return Machine("cuda", properties.name, least, _matmul_flops("cuda", 4096), checkpoints=small)
    # The training process will have them all, whatever this one was limited to.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    flops = _matmul_flops("cpu", 768) * cores / min(cores, torch.get_num_threads())
    return Machine("cpu", f"CPU with {cores} threads", available_memory(), flops, cores, element=quick_dtype().itemsize)


def _matmul_flops(device: str, size: int) -> float:
    """The best of a few matrix products as models of about that width have them, in the type they are trained in."""
    import torch

    from finetune.loading import quick_dtype

    left = torch.randn(4 * size, size, device=device).to(quick_dtype())
    right = torch.randn(size, 2 * size, device=device).to(quick_dtype())
    best = 1e9
    for _ in range(6):
        began = time.perf_counter()
        _ = left @ right
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * left.shape[0] * left.shape[1] * right.shape[1] / best
