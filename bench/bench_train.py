"""Training speed: TRL's SFTTrainer as it comes against GraftTrainer, side by side on the same rows.

    python bench/bench_train.py --model FOLDER [--data ROWS.jsonl] [--rows 16] [--held-out 16] [--repeats 2]

Each run is a process of its own, the two kinds taking turns. Speed counts the tokens of the rows (no padding) over the
wall time of `train()`, start and compilation included; `steady` leaves out the first step. Two processes at once cost
more than twice the time: measure on a quiet machine (`load_before` tells, and `seconds` far above half of
`cpu_seconds` on two cores). Held-out loss is computed after training by plain PEFT on the adapter that was saved.
Without --data, rows are made up of random words.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

KINDS = ("stock", "graft")
ROWS_PER_STEP = 8
LEARNING_RATE = 5e-4


def made_up_rows(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Prompts of about 500 to 900 tokens whose answer is copied from one of their passages."""
    draw = random.Random(seed)
    syllables = ["ka", "lo", "mi", "tre", "son", "ver", "da", "pel", "ush", "or", "in", "ta"]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(3000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]

    def text(length: int) -> str:
        return " ".join(draw.choices(words, weights, k=length))

    persona = "You are a reference desk. " + text(40)
    formats = ["Answer as JSON with the keys name, kind, level. " + text(15), "Answer in one sentence. " + text(15)]
    rows = []
    for _ in range(count):
        facts = [(text(1) + str(draw.randint(100, 999)), text(2), draw.choice(["error", "warning"])) for _ in range(3)]
        passages = [
            f"[{i + 1}] {text(draw.randint(30, 60))} {n} is {k}, level {v}. {text(draw.randint(5, 20))}"
            for i, (n, k, v) in enumerate(facts)
        ]
        name, kind, level = draw.choice(facts)
        form = draw.randrange(2)
        answer = json.dumps({"name": name, "kind": kind, "level": level})
        if form:
            answer = f"{name} is {kind}; its level is {level}."
        user = formats[form] + "\n\n" + "\n".join(passages) + f"\n\nWhat is {name}?"
        rows.append(
            {
                "prompt": [{"role": "system", "content": persona}, {"role": "user", "content": user}],
                "completion": [{"role": "assistant", "content": answer}],
            }
        )
    return rows


def load_rows(path: Path | None, count: int) -> list[dict[str, Any]]:
    """The first `count` rows of a JSONL file, or made-up ones."""
    if path is None:
        return made_up_rows(count)
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    if len(rows) < count:
        sys.exit(f"{path} has {len(rows)} rows; {count} are needed: lower --rows or --held-out")
    return [{key: row[key] for key in ("prompt", "completion")} for row in rows[:count]]


def run_one(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train one adapter in this process and measure."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback, set_seed
    from trl import SFTConfig, SFTTrainer

    from finetune.trainer import GraftTrainer, recommended_config

    set_seed(7)
    rows = load_rows(options.data, options.rows + options.held_out)
    train, held_out = rows[: options.rows], rows[options.rows :]
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.bfloat16)
    cpu, folder = not torch.cuda.is_available(), tempfile.mkdtemp(prefix="bench-train-")
    common: dict[str, Any] = {
        "output_dir": folder, "learning_rate": options.learning_rate, "num_train_epochs": options.epochs,
        "report_to": [], "save_strategy": "no", "disable_tqdm": True, "logging_steps": 1, "max_length": 2048,
    }  # fmt: skip
    if kind == "stock":
        config, trainer_class = SFTConfig(per_device_train_batch_size=ROWS_PER_STEP, use_cpu=cpu, **common), SFTTrainer
    else:
        config, trainer_class = recommended_config(ROWS_PER_STEP, **common), GraftTrainer

    class Clock(TrainerCallback):
        times: list[float] = []  # noqa: RUF012

        def on_step_end(self, *_args: Any, **_kwargs: Any) -> None:
            self.times.append(time.perf_counter())

    trainer = trainer_class(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(train),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[Clock()],
    )
    tokens = options.epochs * sum(len(row["input_ids"]) for row in trainer.train_dataset)
    load, began, used = os.getloadavg()[0], time.perf_counter(), time.process_time()
    trainer.train()
    seconds, used = time.perf_counter() - began, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    trainer.save_model(folder)
    steps = len(Clock.times)
    steady = (Clock.times[-1] - Clock.times[0]) / max(steps - 1, 1)
    return {
        "kind": kind,
        "why_not_fast": getattr(trainer, "why_not_fast", None),
        "tokens": tokens,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(used, 2),
        "tokens_per_second": round(tokens / seconds, 1),
        "tokens_per_second_steady": round(tokens / steps / steady, 1) if steps > 1 else None,
        "load_before": round(load, 1),
        "peak_rss_gib": round(memory, 2),
        "held_out_loss": plain_loss(options.model, folder, tokenizer, held_out),
        "gflop_per_token": round(gflop_per_token(trainer.model), 3),
    }


def gflop_per_token(model: Any) -> float:
    """Of the linear layers: forward and input gradient for all, weight gradient for the adapter. No attention."""
    total = 0
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2 and "layers." in name:
            total += (6 if parameter.requires_grad else 4) * parameter.numel()
    return total / 1e9


def plain_loss(base: str, adapter: str, tokenizer: Any, rows: list[dict[str, Any]]) -> float:
    """Mean loss per completion token of a saved adapter, by PEFT alone."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(model, adapter).eval()
    total = count = 0.0
    with torch.no_grad():
        for row in rows:
            if isinstance(row["prompt"], str):
                start = tokenizer(row["prompt"])["input_ids"]
                ids = tokenizer(row["prompt"] + row["completion"] + tokenizer.eos_token)["input_ids"]
            else:
                start = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True)["input_ids"]
                ids = tokenizer.apply_chat_template(row["prompt"] + row["completion"])["input_ids"]
            logits = model(input_ids=torch.tensor([ids])).logits[0, len(start) - 1 : -1].float()
            targets = torch.tensor(ids[len(start) :])
            total += float(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
            count += len(targets)
    return round(total / count, 4)


def matmul_gflops() -> float:
    """The rate of large bfloat16 products on all threads, the best of several."""
    import torch

    a, b = torch.randn(4096, 1536).bfloat16(), torch.randn(1536, 576).bfloat16()
    best = float("inf")
    for _ in range(30):
        began = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - began)
    return 2 * 4096 * 1536 * 576 / best / 1e9


def main() -> None:
    """Run all kinds in turn and print a table, and JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder of the base model")
    parser.add_argument("--data", type=Path, help="JSONL with prompt and completion; made-up rows without it")
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--held-out", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--out", type=Path, help="also write the figures to this JSON file")
    parser.add_argument("--only", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print("RESULT " + json.dumps(run_one(options.only, options)))
        return
    roof = matmul_gflops()
    results = []
    for _ in range(options.repeats):
        for kind in options.kinds:
            command = [sys.executable, __file__, *sys.argv[1:], "--only", kind]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            if not lines:
                sys.exit(f"{kind} failed:\n{done.stdout[-2000:]}")
            result = json.loads(lines[-1].removeprefix("RESULT "))
            speed = result["tokens_per_second_steady"] or result["tokens_per_second"]
            result["share_of_roofline"] = round(speed * result["gflop_per_token"] / roof, 3)
            results.append(result)
            print(json.dumps(result), flush=True)
    summary: dict[str, Any] = {"matmul_gflops": round(roof), "runs": results}
    mean = {k: [r["tokens_per_second"] for r in results if r["kind"] == k] for k in KINDS}
    if all(mean.values()):
        speeds = {k: sum(v) / len(v) for k, v in mean.items()}
        summary["ratio"] = round(speeds["graft"] / speeds["stock"], 2)
        print(f"GraftTrainer {speeds['graft']:.0f} tok/s, SFTTrainer {speeds['stock']:.0f} tok/s: {summary['ratio']}x")
    if options.out:
        options.out.write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
