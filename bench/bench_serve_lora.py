"""What an adapter costs in vLLM: base, stock LoRA operators, and Graft's, in prefill and decode.

Usage: python bench/bench_serve_lora.py --model FOLDER [--rank 16] [--rounds 5] [--stock]

Makes a random adapter on all linear layers, starts vLLM, and asks with random tokens (no prefix is ever cached).
Arms take turns within each round, so that what else the machine does hits all alike; printed are medians and, as the
machine's interference only ever slows down, the best round. --stock measures a second server with vLLM's own operators.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from pathlib import Path
from statistics import median

PREFILL_TOKENS, DECODE_TOKENS = 1000, 64
CONCURRENCIES = (1, 8)


def make_adapter(model: Path, rank: int, folder: Path) -> None:
    """Save a PEFT adapter with random weights on all linear layers."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    peft = get_peft_model(AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16), config)
    for name, parameter in peft.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.01)
    peft.save_pretrained(folder)


def prompt(tokens: int) -> list[int]:
    """Random token ids, so that no two prompts share a prefix."""
    return [random.randrange(1000, 40000) for _ in range(tokens)]


async def complete(client, model: str, tokens: list[int], answer: int) -> None:
    """Ask for exactly `answer` tokens."""
    body = {"model": model, "prompt": tokens, "max_tokens": answer, "temperature": 0, "ignore_eos": True}
    (await client.post("/v1/completions", json=body)).raise_for_status()


async def measure(vllm, model: str) -> dict[str, float]:
    """Tokens per second of one prefill, and of decoding at each concurrency (time to first token taken off)."""
    async with vllm.async_client(600) as client:
        began = time.perf_counter()
        await complete(client, model, prompt(PREFILL_TOKENS), 1)
        rates = {"prefill": PREFILL_TOKENS / (time.perf_counter() - began)}
        for n in CONCURRENCIES:
            seconds = {}
            for answer in (1, 1 + DECODE_TOKENS):
                began = time.perf_counter()
                await asyncio.gather(*[complete(client, model, prompt(16), answer) for _ in range(n)])
                seconds[answer] = time.perf_counter() - began
            rates[f"decode x{n}"] = n * DECODE_TOKENS / (seconds[1 + DECODE_TOKENS] - seconds[1])
    return rates


def run(model: Path, adapter: Path, rounds: int, *, stock: bool) -> dict[str, dict[str, list[float]]]:
    """Start a server and measure base and adapter in turns: arm, measure, rate per round."""
    from serve import vllm_command
    from serve.vllm_process import VllmProcess

    ours = vllm_command.PLUGIN
    name = "stock" if stock else "graft"
    with tempfile.TemporaryDirectory() as folder:
        vllm_command.PLUGIN = "none" if stock else ours
        process = VllmProcess(
            model,
            socket=Path(folder) / "v.sock",
            log_file=Path(folder) / "vllm.log",
            served_name="base",
            restart=False,
        )
        try:
            process.start(lambda text: None)
            process.load_adapter(name, adapter)
            arms = ("base", name)
            found: dict[str, dict[str, list[float]]] = {arm: {} for arm in arms}
            for turn in range(rounds + 1):
                for arm in arms:
                    for key, rate in asyncio.run(measure(process, arm)).items():
                        if turn:  # the first round only warms up
                            found[arm].setdefault(key, []).append(rate)
            return found
        finally:
            process.stop()
            vllm_command.PLUGIN = ours


def report(found: dict[str, dict[str, list[float]]]) -> None:
    """Print both arms and their ratio. The ratio is taken within each round."""
    base, (arm, rates) = found["base"], next((a, r) for a, r in found.items() if a != "base")
    for key, values in rates.items():
        turns = [mine / of_base for mine, of_base in zip(values, base[key], strict=True)]
        print(
            f"{key:<10} base {median(base[key]):7.0f} (best {max(base[key]):5.0f})   "
            f"{arm} {median(values):7.0f} (best {max(values):5.0f}) tok/s   "
            f"ratio {median(turns):.2f} (of the best {max(values) / max(base[key]):.2f})",
            flush=True,
        )


def main() -> None:
    """Parse arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stock", action="store_true", help="also measure vLLM's own operators (slow)")
    parser.add_argument("--json", type=Path, help="write all measurements to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_adapter(arguments.model, arguments.rank, Path(folder))
        results = {"graft": run(arguments.model, Path(folder), arguments.rounds, stock=False)}
        report(results["graft"])
        if arguments.stock:
            results["stock"] = run(arguments.model, Path(folder), min(arguments.rounds, 2), stock=True)
            report(results["stock"])
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
