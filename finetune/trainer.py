"""GraftTrainer: TRL's SFTTrainer that trains LoRA several times faster on a CPU, and well on a GPU.

On a CPU the loss and its gradients come from `fast_engine.py` wherever it understands the model; everything else
(data preparation, optimiser, callbacks, checkpoints, evaluation, saving) is TRL's and Transformers'. The model is
never patched: where the fast path does not fit, TRL's own runs. Knows no domain, no adapter store and no clock.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from peft.optimizers import create_loraplus_optimizer
from transformers import TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from finetune.fast_engine import FastEngine, Unfit
from finetune.group_sampler import GroupSampler
from finetune.label_weights import LabelWeights

_FAST_INPUTS = {"input_ids", "attention_mask", "labels", "use_cache"}


class GraftTrainer(SFTTrainer):
    """An SFTTrainer with a fast path for LoRA on CPUs; takes what SFTTrainer takes.

    `fast=False` switches the fast path off. `why_not_fast` says why it is not in use, or is None. `give_way` is called
    between the layers, many times a second and from one thread at a time: what it waits for, the training waits for.
    `groups` names each training row's group: rows of one begin alike, and come together where that saves time.
    `decision_weight`: tokens that decide an answer count so many times as much in training (see `label_weights.py`).
    `loraplus_lr_ratio`: LoRA's B matrices learn so many times as fast as A, whose rate is the arguments' (LoRA+).
    """

    def __init__(
        self,
        *args: Any,
        fast: bool = True,
        give_way: Callable[[], None] | None = None,
        groups: Sequence[str] | None = None,
        decision_weight: float = 1.0,
        loraplus_lr_ratio: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._give_way, self._groups = give_way, groups
        self._weights = LabelWeights(self.processing_class, decision_weight) if decision_weight != 1 else None
        self._loraplus_lr_ratio = loraplus_lr_ratio
        self._engine: FastEngine | None = None
        self.why_not_fast = None if fast else "switched off"
        self.why_not_fast = self.why_not_fast or self._why_not_fast()
        if self.why_not_fast:
            self._suit_stock_path()
        self.add_callback(_Release(self))

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """TRL's loss and metrics, from the fast engine where it applies. The loss of training may be weighted."""
        training = bool(self.model.training)  # pyright: ignore[reportOptionalMemberAccess]
        weights = self._weights.of(inputs["labels"]) if self._weights and training else None
        if self.why_not_fast or return_outputs or not _is_plain(inputs):
            weighted: Any = model if weights is None else _Weighted(model, weights)
            return super().compute_loss(weighted, inputs, return_outputs, num_items_in_batch)
        if self._engine is None:
            try:
                self._engine = FastEngine(self.accelerator.unwrap_model(model), give_way=self._give_way)
            except Unfit as reason:
                self.why_not_fast = str(reason)
                return self.compute_loss(model, inputs, return_outputs, num_items_in_batch)
        mask, labels = inputs["attention_mask"], inputs["labels"]
        count = (labels[:, 1:] != -100).sum() if num_items_in_batch is None else num_items_in_batch
        with_gradient = training and torch.is_grad_enabled()
        loss, stats = self._engine.loss(
            inputs["input_ids"], mask, labels, max(1.0, float(count)), with_gradient, weights
        )
        self._note("train" if training else "eval", stats, int(mask.sum()) if training else 0)
        return loss

    def prediction_step(
        self, model: Any, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> Any:
        """Validation by the fast engine as well, where only the loss is asked for."""
        if self.why_not_fast or not prediction_loss_only or not _is_plain(inputs):
            return super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)
        with torch.no_grad():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        dataset = self.train_dataset if train_dataset is None else train_dataset
        if self.why_not_fast or not self._groups or len(dataset) != len(self._groups):  # pyright: ignore[reportArgumentType]
            return super()._get_train_sampler(train_dataset)
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return GroupSampler(self._groups, seed)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Trainer's optimiser, with PEFT's groups of parameters where A and B learn at different rates."""
        if self._loraplus_lr_ratio == 1 or self.optimizer is not None:
            return super().create_optimizer(model)
        trained: Any = self.model if model is None else model
        kind, options = self.get_optimizer_cls_and_kwargs(self.args, trained)
        decay = {"loraplus_weight_decay": self.args.weight_decay}
        ratio = self._loraplus_lr_ratio
        self.optimizer = create_loraplus_optimizer(trained, kind, loraplus_lr_ratio=ratio, **decay, **options)
        return self.optimizer

    def release(self) -> None:
        """Give back the fast path's threads and memory; the next loss sets it up again."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _note(self, mode: str, stats: torch.Tensor, tokens: int) -> None:
        """The metrics that SFTTrainer logs."""
        means = stats.mean(0).tolist() if len(stats) else [0.0, 0.0, 0.0]
        self._total_train_tokens += tokens
        metrics = self._metrics[mode]
        metrics["entropy"].append(means[1])
        metrics["mean_token_accuracy"].append(means[2])
        metrics["num_tokens"] = [self._total_train_tokens]

    def _why_not_fast(self) -> str | None:
        args: Any = self.args
        if self.accelerator.device.type != "cpu":
            return f"training on {self.accelerator.device.type}"
        if self.accelerator.num_processes > 1:
            return "several processes"
        if self.compute_loss_func is not None or self.label_smoother is not None or args.loss_type != "nll":
            return "another loss"
        if self.aux_loss_enabled or args.neftune_noise_alpha or self._is_vision_dataset:
            return "an auxiliary loss, noise or images"
        try:
            FastEngine.check(self.model)  # pyright: ignore[reportArgumentType]
        except Unfit as reason:
            return str(reason)
        return None

    def _suit_stock_path(self) -> None:
        """Padding costs time there: rows of about the same length go together."""
        if self.args.train_sampling_strategy == "random":
            self.args.train_sampling_strategy = "group_by_length"


class _Weighted:
    """A model whose answers to TRL's `compute_loss` have their log-probabilities times the weights of their labels.

    `weights` [B, L] are of the labels; the log-probabilities [B, L - 1] are of the next ones.
    """

    def __init__(self, model: Any, weights: torch.Tensor) -> None:
        self._model, self._weights = model, weights

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outputs = self._model(*args, **kwargs)
        if outputs.get("log_probs") is not None:
            outputs.log_probs = outputs.log_probs * self._weights[:, 1:].to(outputs.log_probs)
        return outputs


class _Release(TrainerCallback):
    """Ends the engine's threads with the training."""

    def __init__(self, trainer: GraftTrainer) -> None:
        self.trainer = trainer

    def on_train_end(self, *_args: Any, **_kwargs: Any) -> None:
        """Called by Trainer after the last step."""
        self.trainer.release()


def _is_plain(inputs: dict[str, Any]) -> bool:
    """Whether a batch holds nothing but token ids, labels, and a mask with the padding at the right."""
    mask = inputs.get("attention_mask")
    if mask is None or inputs.get("labels") is None or not set(inputs) <= _FAST_INPUTS:
        return False
    return bool((mask[:, :-1] >= mask[:, 1:]).all())


def recommended_config(rows_per_step: int = 8, **overrides: Any) -> SFTConfig:
    """An SFTConfig that is fast on this machine, with `rows_per_step` rows to an optimiser step.

    On a CPU a step is one batch (the fast path pads nothing and shares it among the cores). On a GPU a batch is at
    most 8 rows of similar length, accumulated. `overrides` win over everything chosen here. Rows longer than
    2,048 tokens are cut at the end; pass `max_length` for another limit.
    """
    cuda = torch.cuda.is_available()
    batch = overrides.get("per_device_train_batch_size", min(rows_per_step, 8) if cuda else rows_per_step)
    chosen: dict[str, Any] = {
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": max(1, -(-rows_per_step // batch)),
        "per_device_eval_batch_size": 8,
        "train_sampling_strategy": "group_by_length" if cuda else "random",
        # On a CPU only TRL's own path heeds this, where it saves memory and costs no time.
        "gradient_checkpointing": not cuda or torch.cuda.get_device_properties(0).total_memory < 40 << 30,
        "max_length": 2048,
        "completion_only_loss": True,
        "learning_rate": 5e-4,
        "weight_decay": 0.0,
        "optim": "adamw_torch_fused",
        "dataloader_pin_memory": cuda,
        "bf16": cuda,
        "use_cpu": not cuda,
    }
    return SFTConfig(**(chosen | overrides))
