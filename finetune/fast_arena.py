"""Memory for the activations of one worker, taken once and used again for every sequence.

Fresh memory costs a page fault per 4 KiB, which is as much as an elementwise pass over it; huge pages are asked for
where the system offers them. Knows nothing of what is stored.
"""

import math
import mmap
from contextlib import suppress

import torch
from torch import Tensor

_CHUNK = 1 << 28
_ALIGN = 64


class Arena:
    """Hands out tensors one behind the other; `release` takes back all that came after a `mark`."""

    def __init__(self) -> None:
        self._chunks: list[Tensor] = []
        self._chunk = 0
        self._used = 0

    def take(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """An uninitialised contiguous tensor, valid until its mark is released."""
        size = math.prod(shape) * dtype.itemsize
        while self._chunk < len(self._chunks):
            chunk = self._chunks[self._chunk]
            if self._used + size <= chunk.numel():
                tensor = chunk[self._used : self._used + size].view(dtype).view(shape)
                self._used += -(-size // _ALIGN) * _ALIGN
                return tensor
            self._chunk, self._used = self._chunk + 1, 0
        self._chunks.append(_map(max(size, _CHUNK)))
        return self.take(shape, dtype)

    def mark(self) -> tuple[int, int]:
        """The present end of what is handed out."""
        return self._chunk, self._used

    def release(self, mark: tuple[int, int]) -> None:
        """Take back everything handed out since `mark`."""
        self._chunk, self._used = mark


def _map(size: int) -> Tensor:
    size = -(-size // (1 << 21)) * (1 << 21)
    memory = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without huge pages; ordinary ones do
            memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=torch.uint8)
