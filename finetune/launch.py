"""Starting, watching and stopping a training process, from whichever process wants an adapter.

The process dies with its parent (Linux: parent-death signal); what it has done is in its checkpoints.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import TrainError
from core.files import read_json, write_atomically, write_json
from core.settings import TrainSettings
from finetune import gpus
from finetune.adapter_files import Parent
from finetune.dataset import RowsCard
from finetune.job import Job, Status, read_status
from finetune.presets import METHODS, PRESETS, may_be_fast
from finetune.run import ADAPTER_FOLDER, MODEL_FOLDER

_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_DISABLED": "true",
    # Compiled matrix products that oneDNN keeps: batches differ in shape, and 1,024 are gone before they come again.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "4096",
}
JOB, CARD, ROWS = "job.json", "card.json", "rows.jsonl"
# Fully sharded: each GPU holds its share of weights, gradients and optimiser state. FSDP2 takes layers of mixed types.
_FSDP = (
    *("--use_fsdp", "--fsdp_version", "2", "--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP"),
    *("--fsdp_state_dict_type", "FULL_STATE_DICT", "--fsdp_cpu_ram_efficient_loading", "true"),
    *("--mixed_precision", "bf16"),
)


def make_job(
    settings: TrainSettings,
    card: RowsCard,
    rows: Path,
    base: Path,
    base_name: str,
    activity_folder: Path,
    parent: Parent | None = None,
) -> Job:
    """The job for built rows or preferences under these settings. Raises TrainError where the two do not fit.

    `parent` is the adapter to go on from: needed for dpo and kto, not used by the others.
    """
    preset, facts = PRESETS[settings.preset], METHODS[settings.method]
    parent = None if facts.data == "rows" else needed_parent(settings, card.domain, parent)
    if settings.dropout and facts.trains == "weights":
        raise TrainError("train.dropout is LoRA's: leave it at 0 with method full")
    if settings.loraplus_lr_ratio != 1 and not facts.loraplus:
        raise TrainError(f"train.loraplus_lr_ratio is LoRA's: leave it out with method {settings.method}")
    if settings.decision_weight not in (None, 1) and facts.data != "rows":
        raise TrainError(
            f"train.decision_weight is for training on answers: leave it out with method {settings.method}"
        )
    fast = may_be_fast(settings.method, settings.dropout, settings.gpus)
    rows_per_step = (preset.grouped_rows_per_step if fast else None) or preset.rows_per_step
    return Job(
        domain=card.domain,
        base=str(base),
        base_name=base_name,
        rows=str(rows),
        data_hash=card.data_hash,
        prompt_hash=card.prompt_hash,
        test_hash=card.test_hash,
        method=settings.method,
        preset=settings.preset,
        rank=parent.rank if parent else settings.rank,
        alpha=settings.alpha or 2 * settings.rank,
        targets=settings.targets,
        dropout=settings.dropout,
        beta=settings.beta,
        learning_rate=settings.learning_rate or preset.learning_rate * facts.rate,
        loraplus_lr_ratio=settings.loraplus_lr_ratio,
        decision_weight=(settings.decision_weight or preset.decision_weight) if facts.data == "rows" else 1.0,
        epochs=settings.epochs or preset.epochs,
        max_minutes=settings.max_minutes or preset.max_minutes,
        max_steps=settings.max_steps,
        rows_per_step=settings.rows_per_step or rows_per_step,
        rows_per_batch=preset.rows_per_batch,
        checkpointing=preset.checkpointing,
        validation_share=preset.validation_share if settings.validation_share is None else settings.validation_share,
        patience=settings.patience,
        processes=settings.gpus,
        seed=settings.seed,
        parent=parent.name if parent else None,
        parent_folder=str(parent.folder) if parent else None,
        activity_folder=str(activity_folder),
        trackio=settings.trackio,
    )


def needed_parent(settings: TrainSettings, domain: str, parent: Parent | None) -> Parent:
    """The adapter that dpo and kto go on from. Raises TrainError without one."""
    if parent is None:
        raise TrainError(
            f"method {settings.method} goes on from an adapter, and domain '{domain}' has none that is active: "
            f"run graft train --domain {domain} first"
        )
    return parent


def command(job: Job, folder: Path) -> list[str]:
    """The command that trains the job of `folder`: one process, or one per GPU under accelerate. Raises TrainError."""
    module = ["-m", "finetune.run", str(folder)]
    if job.processes == 1:
        return [sys.executable, *module]
    import torch

    found = torch.cuda.device_count()
    if found and found < job.processes:
        raise TrainError(f"train.gpus is {job.processes}, and this machine has {found}: set it to {found}")
    if not found:
        # accelerate starts several processes on GPUs alone; this is what it calls there.
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
        return [*launch, str(job.processes), *module]
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", str(job.processes)]
    launch += ["--num_machines", "1", "--main_process_port", "0", "--dynamo_backend", "no"]
    # Where it fits, a whole quantised base on each GPU is quicker than its shards.
    sharded = () if job.facts.quantised else _FSDP
    return [*launch, *(sharded or ("--multi_gpu", "--mixed_precision", "bf16")), *module]


class TrainingProcess:
    """One run of one job in `runs/<key>`. Starting a job that is done already returns at once.

    The run keeps its rows and their card, so that it can be resumed when the data set has been built anew since.
    """

    def __init__(self, job: Job, card: RowsCard, runs: Path) -> None:
        self.job, self.card = job, card
        self.folder = runs / job.key
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def result(self) -> Path:
        """Where the adapter, or the whole model, stands when the run is done."""
        return self.folder / (ADAPTER_FOLDER if self.job.facts.result == "adapter" else MODEL_FOLDER)

    def status(self) -> Status:
        """The run's progress, read from its folder."""
        return read_status(self.folder)

    def start(self) -> None:
        """Start or resume the run."""
        if self.status().state == "done":
            return
        rows = self.folder / ROWS
        if not rows.exists():
            write_atomically(rows, Path(self.job.rows).read_bytes())
        write_json(self.folder / CARD, self.card.model_dump(include=set(RowsCard.model_fields)))
        write_json(self.folder / JOB, {**self.job.model_dump(), "rows": str(rows)})
        (self.folder / "status.json").unlink(missing_ok=True)
        with (self.folder / "train.log").open("ab") as log:
            self._process = subprocess.Popen(
                command(self.job, self.folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one libc call, no Python state touched
                env=os.environ | _ENVIRONMENT | gpus.environment(self.job.processes, gpus.free_memory()),
            )

    def wait(self, on_status: Callable[[Status], None] = lambda status: None, every: float = 0.5) -> Path:
        """Wait for the end, reporting; returns what it made. Raises TrainError with the run's own reason."""
        while True:
            status = self.status()
            on_status(status)
            if status.state == "done":
                return self.result
            if self._process is None or self._process.poll() is not None:
                status = self.status()
                if status.state == "done":
                    return self.result
                reason = status.error or f"it ended with code {self._process.returncode if self._process else '?'}"
                raise TrainError(f"training of '{self.job.domain}' stopped: {reason}; log: {self.folder / 'train.log'}")
            time.sleep(every)

    def stop(self) -> None:
        """Stop the run; its last checkpoint stays, and `start` goes on from there."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)  # accelerate's children as well
            self._process.wait()


def last_unfinished(runs: Path) -> tuple[Job, RowsCard] | None:
    """Job and card of the run that was started last and is not done; None: there is none."""
    found = sorted(runs.glob(f"*/{JOB}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found:
        folder = path.parent
        if read_status(folder).state != "done" and (folder / ROWS).exists() and (folder / CARD).exists():
            job = Job.model_validate(read_json(path, TrainError))
            # The workspace may have been moved since.
            job = job.model_copy(update={"rows": str(folder / ROWS)})
            return job, RowsCard.model_validate(read_json(folder / CARD, TrainError))
    return None


def _die_with_parent() -> None:
    ctypes.CDLL("libc.so.6", use_errno=True).prctl(1, signal.SIGTERM)
