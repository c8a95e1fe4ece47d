"""Real vLLM, started as Graft starts it: adapters, mixed batches against PEFT, a private socket, a restart."""

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import httpx
import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from finetune.adapter_merge import merge_adapter
from finetune.adapters import AdapterManifest, AdapterStore
from graft.parity import check_parity, read_report
from serve.vllm_process import VllmProcess
from serve.vllm_session import VllmSessions
from tests.support.processors import skip_where_rows_are_not_known_to_be_independent
from tests.support.vllm_contract import VllmContract

pytestmark = [pytest.mark.integration, pytest.mark.vllm]

ADAPTERS = {"garden@a": (16, "all-linear", 0.04), "garden@b": (8, ["q_proj", "v_proj", "down_proj"], 0.16)}
ARMS = ("base", *ADAPTERS)
PROMPTS = [
    "When is the best time to prune a quince tree, and how much of the old wood should be taken away?",
    "A short letter to the neighbours about the hedge between our gardens:",
    "List three vegetables that can be sown in March and say why each of them tolerates late frost.",
    "def water(plants):\n    for plant in plants:\n        if plant.is_dry():\n",
]
# bf16 against fp32, per token: plain transformers in bf16 is off by 0.07 with this model.
BF16 = 0.12


@pytest.fixture(scope="module")
def adapters(llm_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two adapters of different rank and reach, with weights large enough to matter."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folders = {}
    for seed, (name, (rank, modules, spread)) in enumerate(ADAPTERS.items()):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_pretrained(llm_dir, dtype=torch.bfloat16)
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=modules, task_type="CAUSAL_LM")
        peft = get_peft_model(model, config)
        for parameter_name, parameter in peft.named_parameters():
            if "lora_B" in parameter_name:
                torch.nn.init.normal_(parameter, std=spread)
        folders[name] = tmp_path_factory.mktemp("adapter")
        peft.save_pretrained(folders[name])
    return folders


@pytest.fixture(scope="module")
def truth(llm_dir: Path, adapters: dict[str, Path]) -> dict[str, list[list[float]]]:
    """Log-probabilities of the prompts' tokens by transformers and PEFT in fp32, per arm and prompt."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(llm_dir)

    def measure(model: torch.nn.Module) -> list[list[float]]:
        measured = []
        for prompt in PROMPTS:
            ids = torch.tensor([tokenizer(prompt)["input_ids"]])
            with torch.no_grad():
                logprobs = model(ids).logits[0].log_softmax(-1)
            measured.append([logprobs[n - 1, ids[0, n]].item() for n in range(1, ids.shape[1])])
        return measured

    model = AutoModelForCausalLM.from_pretrained(llm_dir, dtype=torch.float32)
    found = {"base": measure(model)}
    for name, folder in adapters.items():
        peft = PeftModel.from_pretrained(model, folder, adapter_name="x")
        found[name] = measure(peft)
        model = peft.unload()
    return found


@pytest.fixture(scope="module")
def vllm(llm_dir: Path, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmProcess]:
    folder = tmp_path_factory.mktemp("v")
    process = VllmProcess(
        llm_dir, socket=folder / "s" / "v.sock", log_file=folder / "vllm.log", served_name="base", max_model_len=1024
    )
    process.start()
    try:
        for name, path in adapters.items():
            process.load_adapter(name, path)
        yield process
    finally:
        process.stop()


# Of an answer, which keeps the request in the batch for a while.
ANSWER_TOKENS = 12


async def ask(client, arm: str, prompt: str) -> list[float]:
    """Log-probabilities of the prompt's tokens, and of the answer's after them."""
    body = {
        "model": arm,
        "prompt": prompt,
        "max_tokens": ANSWER_TOKENS,
        "ignore_eos": True,
        "echo": True,
        "logprobs": 0,
        "temperature": 0,
    }
    async with client.post("http://vllm/v1/completions", json=body) as response:
        answer = await response.json()
    return answer["choices"][0]["logprobs"]["token_logprobs"][1:]


def ask_all(vllm: VllmProcess, requests: list[tuple[str, str]]) -> list[list[float]]:
    async def run() -> list[list[float]]:
        sessions = VllmSessions(vllm.socket, 120)  # its sessions end with it
        client = await sessions.session()
        return await asyncio.gather(*[ask(client, arm, prompt) for arm, prompt in requests])

    return asyncio.run(run())


def of_prompts(answers: list[list[float]]) -> list[list[float]]:
    return [answer[:-ANSWER_TOKENS] for answer in answers]


def distance(one: list[list[float]], other: list[list[float]]) -> float:
    return mean(abs(a - b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


def test_arms_agree_with_peft_also_when_they_share_batches(vllm: VllmProcess, truth: dict[str, list[list[float]]]):
    requests = [(arm, prompt) for prompt in PROMPTS for arm in ARMS]  # neighbours in the batch always differ
    answers = dict(zip(requests, of_prompts(ask_all(vllm, requests)), strict=True))
    for arm in ARMS:
        mixed = [answers[arm, prompt] for prompt in PROMPTS]
        own_kind = of_prompts(ask_all(vllm, [(arm, prompt) for prompt in PROMPTS]))
        assert distance(mixed, truth[arm]) < BF16
        assert distance(mixed, own_kind) < BF16 / 2
        for other in ARMS:
            if other != arm:  # or the comparison would prove nothing
                assert distance(truth[arm], truth[other]) > 2 * BF16


def test_an_answer_is_the_same_to_the_bit_whatever_shares_its_batch(vllm: VllmProcess):
    skip_where_rows_are_not_known_to_be_independent()
    requests = [(arm, prompt) for prompt in PROMPTS for arm in ARMS]
    alone = [ask_all(vllm, [request])[0] for request in requests]
    assert ask_all(vllm, requests) == alone
    assert ask_all(vllm, requests[::-1])[::-1] == alone
    assert alone[0] != alone[1]


CONVERSATIONS = [
    [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    for question, answer in [
        ("When do I prune a quince?", "Prune the quince in February, before the buds open."),
        ("How much sun does a fern want?", "A fern wants shade and moist soil."),
        ("Name three vegetables for March.", "Peas, spinach and broad beans."),
    ]
]


def test_the_parity_gate_tells_an_adapter_served_as_trained_from_one_that_is_not(
    vllm: VllmProcess, llm_dir: Path, adapters: dict[str, Path], tmp_path: Path
):
    store = AdapterStore("garden", tmp_path / "adapters")

    def publish(folder: Path, **config: object) -> AdapterManifest:
        made = AdapterManifest(name="", domain="", base_name="base", prompt_hash=None)
        known = json.loads((folder / "adapter_config.json").read_text())
        return store.add(folder, {**known, **config}, made)

    whole = publish(adapters["garden@b"])
    vllm.load_adapter(whole.name, store.path(whole.name))
    good = check_parity(store, whole, vllm, llm_dir, CONVERSATIONS)
    assert good.passed, good.lines()
    assert good.effect > 5 * good.mean_difference
    assert good.greedy_compared > 5
    assert good.served_by.startswith("vLLM 0.")
    assert read_report(store, whole.name) == good

    # What the server has under this name are the same weights, at half the scale.
    halved = publish(adapters["garden@b"], lora_alpha=8)
    vllm.load_adapter(halved.name, store.path(whole.name))
    assert not check_parity(store, halved, vllm, llm_dir, CONVERSATIONS).passed

    # And here an adapter that does nothing: as if the real one was not in use.
    idle = Path(shutil.copytree(adapters["garden@a"], tmp_path / "idle"))
    weights = load_file(str(idle / "adapter_model.safetensors"))
    save_file(
        {name: tensor * ("lora_A" in name) for name, tensor in weights.items()}, idle / "adapter_model.safetensors"
    )
    lost = publish(adapters["garden@a"])
    vllm.load_adapter(lost.name, idle)
    found = check_parity(store, lost, vllm, llm_dir, CONVERSATIONS)
    assert not found.passed
    assert any("not in use" in reason for reason in found.reasons)
    for manifest in (whole, halved, lost):
        vllm.unload_adapter(manifest.name)


def test_a_merged_model_is_served_by_itself(llm_dir: Path, adapters: dict[str, Path], tmp_path: Path, truth):
    manifest = AdapterManifest(name="garden@a", domain="garden", base_name="base", prompt_hash=None)
    merged = merge_adapter(llm_dir, adapters["garden@a"], manifest, tmp_path / "merged")
    options = {"log_file": tmp_path / "vllm.log", "served_name": "merged", "max_model_len": 512, "kv_cache_gib": 0.5}
    with VllmProcess(merged, socket=tmp_path / "s" / "v.sock", **options) as process:
        answers = of_prompts(ask_all(process, [("merged", prompt) for prompt in PROMPTS]))
    assert distance(answers, truth["garden@a"]) < 2 * BF16
    assert distance(answers, truth["base"]) > 2 * BF16


def test_our_operators_are_in_use(vllm: VllmProcess):
    assert "Using GroupedPunicaWrapper" in vllm.log_file.read_text()


def test_it_answers_on_its_socket_only(vllm: VllmProcess):
    assert vllm.socket is not None
    assert vllm.socket.stat().st_mode & 0o777 == 0o600
    leader = psutil.Process(vllm.pid)
    for process in [leader, *leader.children(recursive=True)]:
        listening = [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        # Torch's rendezvous inside the engine: loopback only, and nothing that speaks the API.
        assert {c.laddr.ip for c in listening} <= {"127.0.0.1", "::1"}
        for connection in listening:
            with pytest.raises(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{connection.laddr.port}/v1/models", timeout=2)


def test_base_and_adapters_are_listed(vllm: VllmProcess):
    assert vllm.models() == list(ARMS)


class TestRealVllm(VllmContract):
    """The contract that the fake keeps as well."""

    @pytest.fixture
    def adapter(self, adapters: dict[str, Path]) -> Path:
        return adapters["garden@b"]


def test_killed_engine_comes_back_with_its_adapters(vllm: VllmProcess, truth: dict[str, list[list[float]]]):
    before = psutil.Process(vllm.pid).children(recursive=True)
    engine = max(before, key=lambda process: process.memory_info().rss)
    os.kill(engine.pid, signal.SIGKILL)
    deadline = time.monotonic() + 240
    while not (vllm.alive and not any(p.is_running() for p in before) and vllm.is_healthy() and _is_complete(vllm)):
        assert time.monotonic() < deadline, vllm.log_file.read_text()[-2000:]
        time.sleep(0.5)
    answers = of_prompts(ask_all(vllm, [("garden@a", PROMPTS[0])]))
    assert distance(answers, truth["garden@a"][:1]) < BF16 * 2


def _is_complete(vllm: VllmProcess) -> bool:
    from core.errors import ServeError

    try:
        return vllm.models() == list(ARMS)
    except ServeError:
        return False
