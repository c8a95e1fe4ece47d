"""Several fast passes at once: a batch's packs on one thread per core, their losses and gradients brought together.

One thread per sequence needs no waiting inside a layer, which is why two threads finish a batch sooner here than two
threads that share every matrix product. Knows PyTorch's autograd, but no trainer.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from finetune import lora_math
from finetune.fast_packs import PACK_TOKENS, Pack, plan, read_rows
from finetune.fast_pass import FastPass
from finetune.fast_weights import ModelWeights, Unfit

_MOST_WORKERS = 8


class FastEngine:
    """Computes the loss of a PEFT model and its LoRA gradients without calling, or changing, the model.

    The base weights are copied once; the adapter's are read again at every call. Raises Unfit for models that it
    does not understand, quantised ones and GPUs among them. `give_way` is called between layers, by one worker at a
    time; all of them wait while it does.
    """

    def __init__(
        self, model: nn.Module, workers: int | None = None, give_way: Callable[[], None] | None = None
    ) -> None:
        self.weights = ModelWeights(model)
        self.weights.copy_base()
        cores = torch.get_num_threads()
        self.workers = workers or max(1, min(cores, _MOST_WORKERS))
        kernels = best_kernels(self.weights.dtype)
        self._give_way, self._turn = give_way, Lock()
        between = self._let_others_go_first if give_way else None
        self._passes = [FastPass(self.weights, kernels, between=between) for _ in range(self.workers)]
        self._angles = self.weights.angles(1)
        threads = max(1, cores // self.workers)
        self._pool = ThreadPoolExecutor(self.workers, "fast-pass", _start_worker, (threads,))
        list(self._pool.map(int, range(self.workers)))
        torch.set_num_threads(cores)  # the workers' limit is also what later threads would begin with

    @staticmethod
    def check(model: nn.Module) -> None:
        """Raises Unfit, with the reason, for a model that the engine cannot train; copies no weights."""
        ModelWeights(model)

    def close(self) -> None:
        """End the threads and give the memory back."""
        self._pool.shutdown()
        self._passes.clear()

    def loss(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None,
        labels: Tensor,
        count: float,
        train: bool,
        weights: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Loss and statistics of a batch [B, L] that is padded at the right.

        The loss is a scalar, the sum over the labels, each times its weight (`weights` [B, L], or 1), divided by
        `count`, with a gradient where `train`; the statistics [M, 3] are each label's loss, entropy, and whether it
        was the likeliest token.
        """
        rows = read_rows(input_ids, attention_mask, labels, weights)
        if not rows:
            return self.weights.parameters[0].sum() * 0, torch.zeros(0, 3)
        self.weights.refresh()
        packs = plan(rows, self.workers, PACK_TOKENS)
        length = 1 + max(int(pack.positions.max()) for share in packs for pack in share)
        if length > self._angles[0].shape[0]:
            self._angles = self.weights.angles(2 * length)
        if not train:
            stats, _ = self._run(packs, None)
            return _weighted_sum(stats, packs) / count, stats
        found: list[Tensor] = []
        loss: Any = _Loss.apply(self, packs, 1 / count, found, *self.weights.parameters)
        return loss, found[0]

    def _let_others_go_first(self) -> None:
        with self._turn:
            if self._give_way is not None:
                self._give_way()

    def _run(self, packs: Sequence[Sequence[Pack]], scale: float | None) -> tuple[Tensor, list[Tensor]]:
        jobs = [self._pool.submit(self._work, i, share, scale) for i, share in enumerate(packs)]
        stats = torch.cat([part for job in jobs for part in job.result()])
        if scale is None:
            return stats, []
        grads: list[Tensor] = []
        sums = [self._passes[i].gradients for i in range(len(packs))]
        for linear in self.weights.linears():
            grad_a = sum((g.a[id(linear)] for g in sums[1:]), sums[0].a[id(linear)])
            grad_b = sum((g.b[id(linear)] for g in sums[1:]), sums[0].b[id(linear)])
            grads += linear.gradients(grad_a, grad_b)
        return stats, grads

    def _work(self, index: int, packs: Sequence[Pack], scale: float | None) -> list[Tensor]:
        worker = self._passes[index]
        if scale is not None:
            worker.gradients.clear()
        return [worker.run(pack, self._angles, scale) for pack in packs]


class _Loss(torch.autograd.Function):
    """The loss as autograd sees it; its gradients are there when the loss is."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        engine: FastEngine,
        packs: Sequence[Sequence[Pack]],
        scale: float,
        found: list[Tensor],
        *parameters: Tensor,
    ) -> Tensor:
        stats, grads = engine._run(packs, scale)  # noqa: SLF001
        ctx.grads = [grad.to(p.dtype) for grad, p in zip(grads, parameters, strict=True)]
        found.append(stats)
        return _weighted_sum(stats, packs) * scale

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Any, ...]:
        factor = outputs[0]
        grads = [grad.mul_(factor) for grad in ctx.grads]
        del ctx.grads
        return (None, None, None, None, *grads)


def _weighted_sum(stats: Tensor, packs: Sequence[Sequence[Pack]]) -> Tensor:
    """The sum of the labels' losses, which come pack by pack, each times its weight."""
    weights = torch.cat([pack.weights for share in packs for pack in share])
    return stats[:, 0] @ weights.to(stats.dtype)


def best_kernels(dtype: torch.dtype) -> ModuleType:
    """The compiled passes where they apply (bfloat16 or float32, Numba installed), else the plain ones."""
    if dtype not in (torch.bfloat16, torch.float32) or os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return lora_math
    try:
        from finetune import fast_kernels
    except ImportError:
        return lora_math
    return fast_kernels


def _start_worker(threads: int) -> None:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)


__all__ = ["FastEngine", "Unfit", "best_kernels"]
