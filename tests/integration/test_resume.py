"""A training that is killed, wherever it is, ends as one that was not; early stopping keeps the best state."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from core.files import write_json
from finetune.callbacks import read_metrics
from finetune.checkpoints import last_whole
from finetune.dataset import RowsCard
from finetune.job import Job, read_status
from finetune.launch import TrainingProcess
from finetune.presets import METHODS
from tests.support.tiny_model import save_tiny_model, write_rows

pytestmark = pytest.mark.integration

# Runs a training that dies, without a word, the n-th time it calls something.
DYING = """
import os, signal, sys
from finetune import callbacks, run
import torch
where, n = sys.argv[2], int(sys.argv[3])
owner, name = {"save": (torch, "save"), "step": (callbacks.Reporting, "on_log")}[where]
real, calls = getattr(owner, name), []
def dying(*args, **kwargs):
    calls.append(1)
    if len(calls) == n:
        if where == "save":
            with open(args[1], "wb") as file:
                file.write(b"half")
        else:
            with open(args[0].path, "a") as file:
                file.write('{"step": 3, "lo')
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
setattr(owner, name, dying)
run.train(__import__("pathlib").Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "tiny")


def prepare(folder: Path, base: Path, rows: int = 48, **options: Any) -> Job:
    folder.mkdir()
    write_rows(folder / "rows.jsonl", rows, METHODS[options.get("method", "lora")].data)
    fields = {"learning_rate": 5e-3, "epochs": 1, "rank": 8, "alpha": 16, "save_every": 3, "max_minutes": 99} | options
    job = Job(
        domain="garden", base=str(base), base_name="tiny", rows=str(folder / "rows.jsonl"), data_hash="d",
        prompt_hash="p", **fields,
    )  # fmt: skip
    write_json(folder / "job.json", job.model_dump())
    return job


def child(*command: str) -> int:
    env = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
    return subprocess.run([sys.executable, *command], env=env, check=False, capture_output=True).returncode


def losses(folder: Path) -> dict[int, float]:
    return {int(line["step"]): line["loss"] for line in read_metrics(folder / "metrics.jsonl") if "loss" in line}


# Dropout draws random numbers in every step, so a lost random state would show; LoRA+ has two rates to take up again.
@pytest.mark.parametrize("options", [{}, {"dropout": 0.1}, {"loraplus_lr_ratio": 8}], ids=["plain", "dropout", "lora+"])
def test_a_run_that_is_killed_twice_ends_as_one_that_was_not(base, tmp_path, options):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    prepare(whole, base, **options)
    prepare(killed, base, **options)
    assert child("-m", "finetune.run", str(whole)) == 0
    # Optimiser, schedule and random state are three saves of a checkpoint: this is inside the second one.
    assert child("-c", DYING, str(killed), "save", "5") == -9
    assert (killed / "checkpoints" / "checkpoint-6").is_dir()
    assert len(losses(killed)) == 6
    assert read_status(killed).state == "failed"
    assert child("-c", DYING, str(killed), "step", "5") == -9
    assert child("-m", "finetune.run", str(killed)) == 0
    expected, found = losses(whole), losses(killed)
    assert list(found) == list(expected) == list(range(1, 13))
    assert found == pytest.approx(expected, rel=1e-4)
    ours, theirs = (load_file(str(f / "adapter" / "adapter_model.safetensors")) for f in (killed, whole))
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, rtol=1e-3, atol=1e-4)
    metrics, other = read_status(killed).metrics, read_status(whole).metrics
    assert metrics["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)
    assert metrics["last_loss"] == pytest.approx(other["last_loss"], rel=1e-4)


@pytest.fixture(scope="module")
def parent(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that does something, for dpo and kto to go on from."""
    torch.manual_seed(3)
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    folder = tmp_path_factory.mktemp("parent")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("method", ["dpo", "kto", "full"])
def test_every_kind_of_trainer_ends_as_if_it_was_never_killed(base, parent, tmp_path, method):
    options: dict[str, Any] = {"method": method, "learning_rate": 1e-3, "rows": 24}
    if METHODS[method].data != "rows":
        options |= {"parent": "garden@1", "parent_folder": str(parent)}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        prepare(folder, base, **options)
    assert child("-m", "finetune.run", str(whole)) == 0
    # In the middle of the second checkpoint: the first one counts.
    assert child("-c", DYING, str(killed), "save", "5") == -9
    before = len(losses(killed))
    assert child("-m", "finetune.run", str(killed)) == 0
    expected, found = losses(whole), losses(killed)
    assert 3 < before <= len(expected)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
    made = "model/model.safetensors" if method == "full" else "adapter/adapter_model.safetensors"
    ours, theirs = load_file(str(killed / made)), load_file(str(whole / made))
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, rtol=1e-3, atol=1e-4)


def test_two_processes_train_one_model(base, tmp_path):
    """As several GPUs do: one of them writes, each saves its own random state."""
    (tmp_path / "rows").mkdir()
    rows = write_rows(tmp_path / "rows" / "rows.jsonl", 48)
    card = RowsCard(domain="garden", data_hash="d", prompt_hash="p", test_hash=None, inputs="", rows=48, records=48)
    job = prepare(tmp_path / "one", base, processes=2, max_steps=6, validation_share=0.2).model_copy(
        update={"rows": str(rows)}
    )
    process = TrainingProcess(job, card, tmp_path / "runs")
    process.start()
    adapter = process.wait()
    found = losses(process.folder)
    assert list(found) == [1, 2, 3, 4, 5, 6]
    assert found[6] < found[1]
    assert set(load_file(str(adapter / "adapter_model.safetensors")))
    checkpoint = last_whole(process.folder / "checkpoints")
    assert checkpoint is not None
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= {path.name for path in checkpoint.iterdir()}
    assert process.status().metrics["fast_path"] is False


def test_stops_early_and_keeps_the_best_state(base, tmp_path):
    """A rate this high makes the held-out loss worse again."""
    folder = tmp_path / "run"
    prepare(folder, base, rows=60, learning_rate=0.05, epochs=30, validation_share=0.2, patience=2)
    assert child("-m", "finetune.run", str(folder)) == 0
    status = read_status(folder)
    found = [line for line in read_metrics(folder / "metrics.jsonl") if "eval_loss" in line]
    best = min(found, key=lambda line: line["eval_loss"])
    # Two in the second half of the run brought nothing better.
    assert sum(line["step"] >= 15 * 12 and line["step"] > best["step"] for line in found) == 2
    assert status.step < 30 * 12
    assert status.metrics["validation_loss"] == pytest.approx(best["eval_loss"])
    assert status.metrics["best_step"] == best["step"]
    assert status.metrics["validation_rows"] == 12
    kept = load_file(str(folder / "adapter" / "adapter_model.safetensors"))
    checkpoint = folder / "checkpoints" / f"checkpoint-{int(best['step'])}" / "adapter_model.safetensors"
    assert all(torch.equal(kept[name], tensor) for name, tensor in load_file(str(checkpoint)).items())
    last = last_whole(folder / "checkpoints")
    assert last is not None
    assert json.loads((last / "trainer_state.json").read_text())["global_step"] == status.step
