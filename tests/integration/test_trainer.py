"""GraftTrainer trains what SFTTrainer trains: same losses, same adapter format, callbacks, checkpoints, evaluation."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback

from finetune.trainer import GraftTrainer, recommended_config

pytestmark = pytest.mark.integration

WORDS = ["what", "is", "a", "red", "green", "blue", "stone", "bird", "river", "the", "answer", "of", "level"]
TEMPLATE = (
    "{% for m in messages %}{{ '<' + m['role'] + '> ' + m['content'] + ' <end>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant> ' }}{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    special = ["<pad>", "<system>", "<user>", "<assistant>", "<end>"]
    plain = Tokenizer(models.WordLevel({w: i for i, w in enumerate([*special, "<unk>", *WORDS])}, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    found = PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<pad>", eos_token="<end>", unk_token="<unk>")
    found.chat_template = TEMPLATE
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
        eos_token_id=4,
        initializer_range=0.3,
    )
    folder = tmp_path_factory.mktemp("base")
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def rows(count: int) -> Dataset:
    found = []
    for i in range(count):
        color, thing = WORDS[3 + i % 3], WORDS[6 + i % 3]
        question = " ".join(["what is the level of", *["a", color, thing] * (1 + i % 4)])
        answer = f"the {thing} is {color}"
        found.append(
            {
                "prompt": [
                    {"role": "system", "content": "the answer is a level"},
                    {"role": "user", "content": question},
                ],
                "completion": [{"role": "assistant", "content": answer}],
            }
        )
    return Dataset.from_list(found)


class Losses(TrainerCallback):
    def __init__(self) -> None:
        self.found: list[float] = []
        self.logs: list[dict[str, float]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        self.logs.append(logs or {})
        if logs and "loss" in logs:
            self.found.append(logs["loss"])


def make_trainer(
    base: Path,
    tokenizer: Any,
    folder: Path,
    dtype: torch.dtype = torch.float32,
    fast: bool = True,
    lora: dict[str, Any] | None = None,
    loraplus_lr_ratio: float = 1.0,
    decision_weight: float = 1.0,
    **config: Any,
) -> tuple[GraftTrainer, Losses]:
    losses = Losses()
    options: dict[str, Any] = {
        "output_dir": str(folder), "learning_rate": 5e-3, "num_train_epochs": 1, "logging_steps": 1, "report_to": [],
        "save_strategy": "no", "disable_tqdm": True, "seed": 3, "lr_scheduler_type": "constant",
    } | config  # fmt: skip
    trainer = GraftTrainer(
        fast=fast,
        model=LlamaForCausalLM.from_pretrained(base, dtype=dtype),
        args=recommended_config(4, **options),
        train_dataset=rows(24),
        eval_dataset=rows(6),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", **(lora or {})),
        callbacks=[losses],
        loraplus_lr_ratio=loraplus_lr_ratio,
        decision_weight=decision_weight,
    )
    return trainer, losses


def test_same_losses_as_the_stock_path(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    order = {"train_sampling_strategy": "sequential", "gradient_accumulation_steps": 2}
    fast, found = make_trainer(base, tokenizer, tmp_path / "fast", **order)
    stock, expected = make_trainer(base, tokenizer, tmp_path / "stock", fast=False, **order)
    assert fast.why_not_fast is None
    assert stock.why_not_fast
    # The stock path seeds B with zero too; what differs is only how the sums are computed.
    fast.train()
    stock.train()
    assert found.found == pytest.approx(expected.found, rel=1e-3)
    assert found.found[-1] < found.found[0]
    for key in ("entropy", "mean_token_accuracy", "num_tokens"):
        assert found.logs[0][key] == pytest.approx(expected.logs[0][key], rel=1e-3)
    assert fast.evaluate()["eval_loss"] == pytest.approx(stock.evaluate()["eval_loss"], rel=1e-3)


def test_both_paths_weigh_what_decides_an_answer(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    # Here that is the first of four words.
    order = {"train_sampling_strategy": "sequential", "gradient_accumulation_steps": 2}
    fast, found = make_trainer(base, tokenizer, tmp_path / "fast", decision_weight=9, **order)
    stock, expected = make_trainer(base, tokenizer, tmp_path / "stock", fast=False, decision_weight=9, **order)
    alike, plain = make_trainer(base, tokenizer, tmp_path / "plain", **order)
    untrained = fast.evaluate()["eval_loss"], stock.evaluate()["eval_loss"], alike.evaluate()["eval_loss"]
    assert untrained == pytest.approx([untrained[-1]] * 3, rel=1e-3)  # validation weighs nothing
    for trainer in (fast, stock, alike):
        trainer.train()
    assert found.found == pytest.approx(expected.found, rel=1e-3)
    assert found.found[0] > 1.5 * plain.found[0]
    for key in ("entropy", "mean_token_accuracy", "num_tokens"):
        assert found.logs[1][key] == pytest.approx(expected.logs[1][key], rel=1e-3)


def test_b_learns_faster_than_a_by_the_ratio(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    # Adam's first step moves every weight that has a gradient by its rate. A has none yet: B is zero.
    def moved(name: str, **options: Any) -> dict[str, float]:
        trainer, _ = make_trainer(base, tokenizer, tmp_path / name, max_steps=2, **options)
        before = {key: p.detach().clone() for key, p in trainer.model.named_parameters() if p.requires_grad}
        trainer.train()
        after = dict(trainer.model.named_parameters())
        changes = {key: float((after[key].detach() - old).abs().max()) for key, old in before.items()}
        return {part: max(v for key, v in changes.items() if f"lora_{part}" in key) for part in "AB"}

    even, quick = moved("even"), moved("quick", loraplus_lr_ratio=4)
    assert quick["B"] == pytest.approx(4 * even["B"], rel=0.3)
    assert quick["A"] == pytest.approx(even["A"], rel=0.3)


def test_bfloat16_trains_as_well_as_single_precision(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    half, found = make_trainer(base, tokenizer, tmp_path / "half", dtype=torch.bfloat16, num_train_epochs=4)
    single, expected = make_trainer(base, tokenizer, tmp_path / "single", num_train_epochs=4)
    half.train()
    single.train()
    assert found.found[-1] < 0.7 * found.found[0]
    assert found.found == pytest.approx(expected.found, rel=0.05)


def test_the_saved_adapter_loads_with_plain_peft(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    trainer, _ = make_trainer(base, tokenizer, tmp_path / "run")
    untouched = {n: p.clone() for n, p in trainer.model.named_parameters() if not p.requires_grad}
    trainer.train()
    trainer.save_model(str(tmp_path / "adapter"))
    assert {"adapter_model.safetensors", "adapter_config.json"} <= {f.name for f in (tmp_path / "adapter").iterdir()}
    ids = torch.tensor([[1, 7, 8, 9, 4, 2, 6, 7]])
    loaded = PeftModel.from_pretrained(
        LlamaForCausalLM.from_pretrained(base, dtype=torch.float32), tmp_path / "adapter"
    )
    with torch.no_grad():
        logits = loaded(input_ids=ids).logits
        torch.testing.assert_close(logits, trainer.model.eval()(input_ids=ids).logits)
        with loaded.disable_adapter():
            assert not torch.allclose(logits, loaded(input_ids=ids).logits, atol=1e-2)
    for name, parameter in trainer.model.named_parameters():
        if name in untouched:
            assert torch.equal(parameter, untouched[name]), name


def test_resumes_where_it_was_stopped(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    whole, expected = make_trainer(base, tokenizer, tmp_path / "whole")
    whole.train()

    class Stop(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = state.global_step >= 3

    saving = {"save_strategy": "steps", "save_steps": 3}
    first, _ = make_trainer(base, tokenizer, tmp_path / "run", **saving)
    first.add_callback(Stop())
    first.train()
    assert json.loads((tmp_path / "run/checkpoint-3/trainer_state.json").read_text())["global_step"] == 3
    second, found = make_trainer(base, tokenizer, tmp_path / "run", **saving)
    second.train(resume_from_checkpoint=True)
    assert second.state.global_step == 6
    assert found.found == pytest.approx(expected.found[3:], rel=1e-4)


def test_what_the_fast_path_does_not_know_trains_on_the_stock_path(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    trainer, losses = make_trainer(base, tokenizer, tmp_path, lora={"lora_dropout": 0.1}, max_steps=2)
    assert trainer.why_not_fast == "LoRA dropout"
    assert trainer.args.train_sampling_strategy == "group_by_length"
    trainer.train()
    assert len(losses.found) == 2


def test_threads_end_with_the_training_and_evaluation_works_after(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    trainer, _ = make_trainer(base, tokenizer, tmp_path, max_steps=1)
    threads = torch.get_num_threads()
    trainer.train()
    assert trainer._engine is None
    assert torch.get_num_threads() == threads
    assert trainer.evaluate()["eval_loss"] > 0
    trainer.release()


def test_overrides_win() -> None:
    config = recommended_config(16, learning_rate=1e-3, per_device_train_batch_size=2, output_dir="x", report_to=[])
    assert config.learning_rate == 1e-3
    assert config.per_device_train_batch_size == 2
    assert config.completion_only_loss
