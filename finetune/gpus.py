"""Which GPUs a training gets: as many as it was given, those with the most free memory. Nothing where there is none."""

import os
from collections.abc import Mapping, Sequence

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def free_memory() -> list[int]:
    """Free bytes of each GPU that this process sees."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [torch.cuda.mem_get_info(number)[0] for number in range(count)]


def freest(count: int, free: Sequence[int]) -> list[int]:
    """Numbers of the `count` GPUs with the most free memory, ascending; on a tie the first."""
    return sorted(sorted(range(len(free)), key=lambda number: -free[number])[:count])


def environment(count: int, free: Sequence[int], seen: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variable that lets a process see the `count` freest GPUs alone: Trainer would use every one it sees."""
    if len(free) <= count:
        return {}
    names = seen[_VISIBLE].split(",") if seen.get(_VISIBLE) else [str(number) for number in range(len(free))]
    return {_VISIBLE: ",".join(names[number].strip() for number in freest(count, free))}
