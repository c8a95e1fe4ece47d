"""The plan counts what it can count, and refuses with figures what will not fit."""

import json

import pytest

from core.errors import TrainError
from core.files import write_json
from finetune.job import Job, Status, write_status
from finetune.machine_speed import Machine
from finetune.plan import GIB, Plan, make_plan
from finetune.steps import batch_sizes, steps_of

# SmolLM2-135M's shape.
CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 576, "intermediate_size": 1536,
    "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152,
    "tie_word_embeddings": True, "dtype": "bfloat16",
}  # fmt: skip
CPU = Machine("cpu", "CPU with 2 threads", available=16 * GIB, flops=800e9, workers=2)
GPU = Machine("cuda", "a GPU", available=70 * GIB, flops=600e12, checkpoints=False)


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text(json.dumps(CONFIG))
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"record": str(i), "tokens": 400 + i}) + "\n" for i in range(100)))

    def make(machine: Machine = CPU, **options) -> Plan:
        fields = {"data_hash": "", "prompt_hash": "", **options}
        job = Job(domain="d", base=str(tmp_path / "base"), base_name="tiny", rows=str(rows), **fields)
        return make_plan(job, tmp_path / "runs", machine)

    return make


def test_parameters_and_tokens_are_counted(plan):
    found = plan()
    assert found.parameters == 134_515_008
    # Per layer: q, k, v, o, gate, up, down; 16 times inputs plus outputs.
    per_layer = 2 * (576 + 576) + 2 * (576 + 192) + 3 * (576 + 1536)
    assert found.trainable == 16 * 30 * per_layer == 4_884_480
    assert plan(method="dora").trainable - found.trainable == 30 * (2 * 576 + 2 * 192 + 2 * 1536 + 576)
    assert plan(method="full").trainable == found.parameters
    assert plan(targets="mlp").trainable == 16 * 30 * 3 * (576 + 1536)
    assert (found.rows, found.tokens, found.longest, found.steps) == (100, 44_950, 499, 25)


def test_a_warning_where_the_steps_are_too_few(plan):
    def warned(found):
        return found.few_steps, any(
            line.startswith("warning ") and f"{found.likely_steps} steps" in line for line in found.lines()
        )

    assert warned(plan()) == (False, False)
    assert plan().likely_steps == plan().steps
    assert warned(plan(max_steps=9)) == (True, True)
    # 25 steps that the minutes do not suffice for.
    slow = plan(Machine("cpu", "CPU", 16 * GIB, flops=1e9))
    assert slow.likely_steps < 10 < slow.steps
    assert warned(slow) == (True, True)


def test_held_out_rows_and_limits_show(plan):
    found = plan(validation_share=0.2, epochs=3)
    assert (found.rows, found.held_out, found.steps) == (80, 20, 60)
    assert plan(max_steps=5).epochs == pytest.approx(0.2)
    assert plan(max_steps=50).epochs == pytest.approx(2)
    slow = plan(Machine("cpu", "CPU", 16 * GIB, flops=1e9))
    assert slow.ends_early
    assert slow.seconds == 9 * 60
    assert any("ended by its limit of 9 minutes" in line for line in slow.lines())


def test_memory_follows_the_method(plan):
    lora, full, qlora = plan(), plan(method="full"), plan(method="qlora")
    assert lora.fast_path
    assert not full.fast_path
    # Weights in full precision, gradients, two moments.
    assert full.memory["weights"] + full.memory["gradients and optimiser"] == pytest.approx(
        16 * full.parameters / GIB, rel=0.02
    )
    assert qlora.memory["weights"] < lora.memory["weights"] / 2
    assert plan(GPU, processes=4, method="full").memory["weights"] == pytest.approx(
        full.memory["weights"] / 4, abs=0.01
    )
    assert (
        plan(GPU, checkpointing=False).memory["activations"] > 2 * plan(GPU, checkpointing=True).memory["activations"]
    )


def test_what_does_not_fit_is_refused_with_figures_and_a_remedy(plan):
    small = Machine("cpu", "CPU with 2 threads", available=int(1.5 * GIB), flops=800e9, workers=2)
    with pytest.raises(TrainError, match=r"full of tiny needs about [2-9]\.\d GiB .*1\.5 GiB are free .*--method lora"):
        plan(small, method="full").check()
    with pytest.raises(TrainError, match="--method qlora"):
        plan(small, dropout=0.1).check()
    plan().check()


def test_an_earlier_run_of_the_same_kind_tells_the_speed(plan, tmp_path):
    assert "guess" in plan().speed_from
    folder = tmp_path / "runs" / "abc"
    write_json(folder / "job.json", {"method": "lora", "base_name": "tiny", "processes": 1, "dropout": 0.0})
    write_status(folder, Status(state="done", metrics={"tokens_per_second": 500.0}))
    found = plan()
    assert (found.speed, found.speed_from) == (500.0, "as an earlier run here")
    assert found.seconds == pytest.approx(44_950 / 500)
    assert "guess" in plan(method="qlora").speed_from


def test_steps_are_counted_as_the_trainer_does():
    def job(**options):
        return Job(domain="d", base="", base_name="", rows="", data_hash="", prompt_hash="", **options)

    assert steps_of(job(), 10) == 3
    assert steps_of(job(epochs=2.5), 10) == 8
    assert steps_of(job(max_steps=7), 10) == 7
    assert batch_sizes(job(rows_per_step=16, rows_per_batch=4), cuda=True) == (4, 4)
    assert batch_sizes(job(rows_per_step=16, rows_per_batch=4, processes=4), cuda=True) == (4, 1)
    assert batch_sizes(job(rows_per_step=16, rows_per_batch=4), cuda=False) == (16, 1)
    assert batch_sizes(job(rows_per_step=1, method="kto"), cuda=False) == (2, 1)


@pytest.mark.parametrize(("asked", "most", "sizes"), [(12, 8, (6, 2)), (10, 8, (5, 2)), (20, 8, (7, 3))])
def test_a_step_has_the_rows_that_were_asked_for_where_they_divide(asked, most, sizes):
    fields = {"domain": "d", "base": "", "base_name": "", "rows": "", "data_hash": "", "prompt_hash": ""}
    assert batch_sizes(Job(**fields, rows_per_step=asked, rows_per_batch=most), cuda=True) == sizes
