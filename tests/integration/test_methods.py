"""Every method really trains, and what it leaves behind loads: adapters with PEFT, merged models by themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.files import write_json
from finetune.adapters import AdapterStore
from finetune.callbacks import read_metrics
from finetune.job import Job, read_status
from finetune.presets import METHODS
from finetune.run import train
from tests.support.tiny_model import question, save_tiny_model, write_rows

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="module")
def run(base: Path, tmp_path_factory: pytest.TempPathFactory):
    """Trains a job of a method; each set of options once."""
    done: dict[str, tuple[Job, Path, Path]] = {}

    def start(method: str, **options: Any) -> tuple[Job, Path, Path]:
        folder = tmp_path_factory.mktemp(method)
        data = METHODS[method].data
        rows = write_rows(folder / "rows.jsonl", 24, data)
        fields = {"learning_rate": 5e-3, "rows_per_step": 4, "epochs": 1, "rank": 8, "alpha": 16} | options
        job = Job(
            domain="garden", base=str(base), base_name="tiny", rows=str(rows), data_hash=data, prompt_hash="p",
            method=method, **fields,
        )  # fmt: skip
        if job.key not in done:
            write_json(folder / "job.json", job.model_dump())
            done[job.key] = job, folder, train(folder)
        return done[job.key]

    return start


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([[1, 14, 15, 6, 2, 5, 6, 15, 7, 8, 11, 3]])).logits.float()


def load_base(base: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in read_metrics(folder / "metrics.jsonl") if "loss" in line]


@pytest.mark.parametrize("method", ["lora", "rslora", "qlora"])
def test_adapters_learn_and_load_with_plain_peft(run, base, method):
    _, folder, adapter = run(method, epochs=4)
    found = losses(folder)
    assert len(found) == 24
    assert found[-1] < 0.6 * found[0]
    loaded = PeftModel.from_pretrained(load_base(base), adapter)
    assert not torch.allclose(logits(loaded), logits(load_base(base)), atol=0.1)
    status = read_status(folder)
    assert (status.state, status.steps) == ("done", 24)
    assert status.metrics["last_loss"] < found[0]
    assert status.metrics["fast_path"] is (method != "qlora")


def test_rslora_scales_by_the_root_of_the_rank(run):
    _, _, adapter = run("rslora", epochs=4)
    assert json.loads((adapter / "adapter_config.json").read_text())["use_rslora"] is True


def test_qlora_trains_on_a_base_of_four_bits(base):
    import bitsandbytes

    from finetune.loading import load_model

    job = Job(domain="d", base=str(base), base_name="t", rows="", data_hash="", prompt_hash="", method="qlora")
    model = load_model(job)
    assert isinstance(model.model.layers[0].self_attn.q_proj, bitsandbytes.nn.Linear4bit)


@pytest.mark.parametrize("method", ["dora", "full"])
def test_whole_models_are_published_complete_and_learn(run, base, method, tmp_path):
    job, folder, model = run(method, epochs=4, **({"learning_rate": 2e-3} if method == "full" else {}))
    found = losses(folder)
    assert found[-1] < 0.6 * found[0]
    store = AdapterStore("garden", tmp_path / "adapters")
    manifest = store.publish(model, job, 24, {})
    assert manifest.merged
    published = store.path(manifest.name)
    loaded = AutoModelForCausalLM.from_pretrained(published)
    assert loaded.dtype == torch.bfloat16
    assert loaded.config.use_cache is True
    assert not torch.allclose(logits(loaded), logits(load_base(base)), atol=0.1)
    ours, theirs = AutoTokenizer.from_pretrained(published), AutoTokenizer.from_pretrained(base)
    assert ours.chat_template == theirs.chat_template
    assert {path.name for path in published.iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json"}
    store.activate(manifest.name)
    assert store.active() == manifest.name
    if method == "dora":
        adapted = PeftModel.from_pretrained(load_base(base), folder / "adapter")
        assert torch.allclose(logits(adapted), logits(loaded.float()), atol=0.2)
        assert json.loads((folder / "adapter" / "adapter_config.json").read_text())["use_dora"] is True


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_preferences_go_on_from_an_adapter_and_are_followed(run, base, method):
    _, _, parent = run("lora", epochs=4)
    job, folder, adapter = run(
        method, parent="garden@1", parent_folder=str(parent), epochs=4, learning_rate=2e-3, rows_per_batch=4
    )
    assert job.facts.result == "adapter"
    assert not (adapter / "ref").exists()
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert config["r"] == 8

    def margin(path: Path) -> float:
        """How much likelier right answers are than wrong ones."""
        model = PeftModel.from_pretrained(load_base(base), path).eval()
        tokenizer = AutoTokenizer.from_pretrained(base)
        total = 0.0
        for i in range(6):
            prompt, right, wrong = question(i)
            head = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
            for text, sign in ((right, 1), (wrong, -1)):
                ids = tokenizer(head + text, return_tensors="pt")["input_ids"]
                with torch.no_grad():
                    scores = model(input_ids=ids).logits.float().log_softmax(-1)
                last = ids.shape[1] - 1
                total += sign * float(scores[0, last - 1, ids[0, last]])
        return total

    assert margin(adapter) > margin(parent) + 1
    # The first step's policy is its reference: nothing is preferred yet.
    first = next(line for line in read_metrics(folder / "metrics.jsonl") if "rewards/margins" in line or "kl" in line)
    assert abs(first.get("rewards/margins", first.get("kl"))) < 0.05


def test_attention_and_mlp_are_named_targets(run):
    _, _, adapter = run("lora", targets="attention", max_steps=1)
    modules = json.loads((adapter / "adapter_config.json").read_text())["target_modules"]
    assert sorted(modules) == ["k_proj", "o_proj", "q_proj", "v_proj"]
