"""Settings and presets become a job, and a job a command."""

from pathlib import Path

import pytest

from core.errors import TrainError
from core.files import write_json
from core.settings import TrainSettings
from finetune.adapter_files import Parent
from finetune.dataset import RowsCard
from finetune.job import Job, Status, read_status, write_status
from finetune.launch import CARD, JOB, ROWS, command, last_unfinished, make_job

CARD_OF_ROWS = RowsCard(
    domain="garden", data_hash="d", prompt_hash="p", test_hash=None, inputs="i", rows=8, records=8, tokens=[9, 9, 9]
)
PARENT = Parent("garden@1", Path("/adapters/1"), rank=32)


def job(parent: Parent | None = None, **settings) -> Job:
    chosen = TrainSettings.model_validate(settings)
    return make_job(chosen, CARD_OF_ROWS, Path("/r.jsonl"), Path("/base"), "tiny", Path("/run"), parent)


def test_presets_fill_in_and_settings_win():
    assert (job().epochs, job().max_minutes, job().learning_rate, job().alpha) == (1.0, 9.0, 2e-3, 32)
    assert job(preset="best").validation_share > 0
    assert job(preset="gpu-8b").checkpointing is True
    own = job(preset="best", epochs=2, validation_share=0, learning_rate=1e-4, rank=8, rows_per_step=2)
    assert (own.epochs, own.validation_share, own.learning_rate, own.alpha, own.rows_per_step) == (2, 0, 1e-4, 16, 2)


def test_methods_change_the_rate_and_need_what_they_need():
    assert job(method="full").learning_rate < job().learning_rate / 10
    assert job(method="full", learning_rate=0.5).learning_rate == 0.5
    with pytest.raises(TrainError, match="graft train --domain garden first"):
        job(method="dpo")
    preferred = job(PARENT, method="kto", rank=8)
    assert (preferred.parent, preferred.rank, preferred.options["beta"]) == ("garden@1", 32, 0.1)
    assert job(PARENT, method="lora").parent is None
    with pytest.raises(TrainError, match="dropout"):
        job(method="full", dropout=0.1)


def test_only_untrained_lora_matrices_learn_at_two_rates():
    assert job().loraplus_lr_ratio == 1
    assert job(method="dora", loraplus_lr_ratio=3).options["loraplus_lr_ratio"] == 3
    assert job(method="full", loraplus_lr_ratio=1).loraplus_lr_ratio == 1
    for method in ("full", "dpo", "kto"):
        with pytest.raises(TrainError, match="loraplus_lr_ratio"):
            job(PARENT, method=method, loraplus_lr_ratio=4)


def test_a_share_of_the_data_stands_in_the_options_and_names_no_other_run():
    part = job().model_copy(update={"share": 0.25})
    assert part.options["share"] == 0.25
    assert "share" not in job().options
    assert part.key == job().key  # its rows tell it apart


def test_what_decides_an_answer_weighs_more_where_answers_are_trained():
    assert job().decision_weight == job(method="full").options["decision_weight"] > 1
    assert job(decision_weight=1).decision_weight == 1
    assert job(PARENT, method="dpo").decision_weight == 1
    assert job(PARENT, method="kto", decision_weight=1).decision_weight == 1
    assert "decision_weight" not in job(PARENT, method="kto").options
    for method in ("dpo", "kto"):
        with pytest.raises(TrainError, match="decision_weight"):
            job(PARENT, method=method, decision_weight=4)


def test_the_key_knows_what_changes_the_result_and_no_path():
    assert job().key == job().model_copy(update={"base": "/elsewhere", "rows": "x", "trackio": True}).key
    different = [job(), job(seed=8), job(method="rslora"), job(dropout=0.1), job(targets="mlp"), job(gpus=2)]
    different += [job(loraplus_lr_ratio=2), job(decision_weight=2)]
    assert len({j.key for j in different}) == len(different)


def test_several_processes_start_under_accelerate(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert command(job(), Path("/f"))[1:] == ["-m", "finetune.run", "/f"]
    on_cpu = command(job(gpus=2), Path("/f"))
    assert "torch.distributed.run" in on_cpu
    assert on_cpu[-3:] == ["-m", "finetune.run", "/f"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert "--use_fsdp" in command(job(gpus=2), Path("/f"))
    assert "--multi_gpu" in command(job(gpus=2, method="qlora"), Path("/f"))
    with pytest.raises(TrainError, match="this machine has 2: set it to 2"):
        command(job(gpus=4), Path("/f"))


@pytest.mark.parametrize("method", ["lora", "full", "qlora"])
def test_accelerate_knows_every_option_of_the_command(monkeypatch, method):
    """No GPU is needed to read a command line: accelerate's own parser does, and its FSDP plugin takes the result."""
    import torch
    from accelerate.commands.launch import launch_command_parser
    from accelerate.utils import FullyShardedDataParallelPlugin, launch
    from accelerate.utils.launch import prepare_multi_gpu_env

    # They look at ports, which tests may not.
    monkeypatch.setattr(launch, "get_free_port", lambda: 29500)
    monkeypatch.setattr(launch, "is_port_in_use", lambda port: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    words = command(job(gpus=2, method=method), Path("/f"))
    read = launch_command_parser().parse_args(words[words.index("accelerate.commands.launch") + 1 :])
    assert (read.module, read.training_script, read.training_script_args) == (True, "finetune.run", ["/f"])
    assert (read.use_fsdp, read.multi_gpu) == (method != "qlora", method == "qlora")
    environment = prepare_multi_gpu_env(read)
    assert environment["ACCELERATE_MIXED_PRECISION"] == "bf16"
    assert read.nproc_per_node == "2"
    if method == "qlora":
        return
    for name, value in environment.items():
        if name.startswith("FSDP_"):
            monkeypatch.setenv(name, value)
    plugin = FullyShardedDataParallelPlugin()
    assert (plugin.fsdp_version, plugin.reshard_after_forward, plugin.cpu_ram_efficient_loading) == (2, True, True)
    assert plugin.state_dict_type is not None
    assert plugin.state_dict_type.name == "FULL_STATE_DICT"
    assert plugin.auto_wrap_policy is not None


def test_the_last_unfinished_run_is_found_as_it_was_started(tmp_path):
    assert last_unfinished(tmp_path) is None

    def run(name: str, state: str, seed: int, age: int) -> None:
        folder = tmp_path / name
        write_json(folder / JOB, job(seed=seed).model_dump())
        write_json(folder / CARD, CARD_OF_ROWS.model_dump())
        (folder / ROWS).write_text("{}\n")
        write_status(folder, Status.model_validate({"state": state, "pid": 2**22 + 5}))
        import os

        os.utime(folder / JOB, (1000 - age, 1000 - age))

    run("a", "failed", 1, age=30)
    run("b", "training", 2, age=20)  # its process is gone
    run("c", "done", 3, age=10)
    assert read_status(tmp_path / "b").state == "failed"
    found = last_unfinished(tmp_path)
    assert found is not None
    assert (found[0].seed, found[1]) == (2, CARD_OF_ROWS)


def test_an_unfinished_run_is_found_with_its_rows_where_the_workspace_was_moved_to(tmp_path):
    folder = tmp_path / "moved" / "a"
    write_json(folder / JOB, job(seed=1).model_copy(update={"rows": "/where/it/was/a/rows.jsonl"}).model_dump())
    write_json(folder / CARD, CARD_OF_ROWS.model_dump())
    (folder / ROWS).write_text("{}\n")
    found = last_unfinished(tmp_path / "moved")
    assert found is not None
    assert found[0].rows == str(folder / ROWS)
