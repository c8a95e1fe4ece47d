"""`graft up` over the fake vLLM: overload, lost clients, a vLLM that dies or hangs, and what of vLLM can be reached."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given

from core.workspace import Workspace
from graft.doctor import cache_hit_rate
from serve.vllm_api import ExternalVllm
from tests.support.graft_process import REPOSITORY, GraftProcess, copy_pack, free_port
from tests.support.vllm_contract import running, wait_until

pytestmark = pytest.mark.integration
QUESTION = [{"role": "user", "content": "When do I prune quince?"}]
PLACES, WAITING = 2, 2
SETTINGS = {"GRAFT_SERVE__MAX_NUM_SEQS": str(PLACES), "GRAFT_SERVE__MAX_WAITING": str(WAITING)}
# What a vLLM server offers beyond what Graft uses of it, and what Graft itself uses.
VLLM_PATHS = (
    "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/load_lora_adapter", "/v1/unload_lora_adapter",
    "/tokenize", "/detokenize", "/pooling", "/score", "/rerank", "/invocations", "/version", "/server_info",
    "/reset_prefix_cache", "/sleep", "/wake_up", "/collective_rpc", "/start_profile", "/ping", "/load",
)  # fmt: skip


class Drill:
    """A served domain, and the fake vLLM under it, which can be killed and started again on its port."""

    def __init__(self, graft: GraftProcess, port: int) -> None:
        self.graft, self.port = graft, port
        self.api = ExternalVllm(f"http://127.0.0.1:{port}")
        self.process: subprocess.Popen[bytes] | None = None

    def start_vllm(self) -> None:
        command = [sys.executable, "-m", "serve.fake_vllm", "--port", str(self.port), "--delay", "0.05"]
        self.process = subprocess.Popen(command, cwd=REPOSITORY)
        wait_until(self.api.is_healthy, "the start of the fake vLLM")

    def stop_vllm(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def signal_vllm(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def ask(self, **fields) -> httpx.Response:
        body = {"model": "garden", "messages": QUESTION, **fields}
        return httpx.post(f"{self.graft.base_url}/v1/chat/completions", json=body, timeout=60)

    def metric(self, name: str) -> float:
        lines = httpx.get(f"{self.graft.base_url}/metrics", timeout=20).text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


@pytest.fixture(scope="module")
def drill(workspace, prepared, tmp_path_factory) -> Iterator[Drill]:
    port = free_port()
    graft = GraftProcess(
        workspace.parent / "drill", copy_pack("garden", tmp_path_factory.mktemp("packs")), SETTINGS,
        "--no-train", "--vllm-url", f"http://127.0.0.1:{port}",
    )  # fmt: skip
    graft.share_models(workspace)
    drill = Drill(graft, port)
    drill.start_vllm()
    graft.start()
    try:
        graft.wait_until(graft.is_ready, "readiness")
        yield drill
    finally:
        graft.stop()
        drill.stop_vllm()


def test_it_answers_from_its_documents(drill):
    body = drill.ask().json()
    assert body["choices"][0]["message"]["content"].endswith("[1]")
    assert body["citations"][0]["source"] == "shrubs/quince.md"
    assert body["graft"]["degraded"] is False
    assert drill.ask(format="json", schema="care").json()["choices"][0]["message"]["content"].startswith("{")
    assert drill.ask(format="markdown", schema="care").json()["choices"][0]["message"]["content"].startswith("## Plant")


@pytest.mark.parametrize("path", VLLM_PATHS)
def test_nothing_else_of_vllm_can_be_reached(drill, path):
    for method in ("GET", "POST"):
        response = httpx.request(method, f"{drill.graft.base_url}{path}", json={"model": "x", "prompt": "x"})
        assert response.status_code in (404, 405), (method, path)


def test_cache_hits_of_vllm_are_shown(drill):
    drill.ask()
    drill.ask()
    assert 0 < drill.metric("graft_prefix_cache_hit_rate") <= 1

    def rate() -> float | None:
        return httpx.get(f"{drill.graft.base_url}/ready", timeout=20).json()["cache_hit_rate"]

    # The status is as old as the last look at vLLM, which may have been between the two questions.
    wait_until(rate, "the hit rate in the status")
    assert 0 < rate() <= 1
    workspace = Workspace.open(drill.graft.workspace)
    assert cache_hit_rate(workspace, "garden") == rate()


def test_overload_is_refused_and_accepted_requests_finish(drill):
    before = drill.process.pid

    async def ask(client: httpx.AsyncClient, stream: bool) -> httpx.Response:
        body = {"model": "garden", "messages": QUESTION, "stream": stream}
        return await client.post("/v1/chat/completions", json=body)

    async def go() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=drill.graft.base_url, timeout=60) as client:
            return await asyncio.gather(*[ask(client, n % 2 == 0) for n in range(16)])

    responses = asyncio.run(go())
    refused = [response for response in responses if response.status_code == 503]
    answered = [response for response in responses if response.status_code == 200]
    assert len(refused) + len(answered) == 16
    assert len(answered) >= PLACES + WAITING
    assert refused
    assert all(int(response.headers["Retry-After"]) > 0 for response in refused)
    assert all("[1]" in response.text for response in answered)
    assert drill.metric("graft_answering") == drill.metric("graft_queue_waiting") == 0
    assert (drill.process.pid, drill.process.poll()) == (before, None)


@pytest.mark.parametrize("stream", [True, False])
def test_lost_client_ends_the_generation_in_vllm(drill, stream):
    async def go() -> None:
        async with httpx.AsyncClient(base_url=drill.graft.base_url, timeout=60) as client:
            body = {"model": "garden", "messages": QUESTION, "stream": stream}
            asking = asyncio.create_task(client.post("/v1/chat/completions", json=body))
            await asyncio.to_thread(wait_until, lambda: running(drill.api) == 1, "the beginning of the generation")
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    finished = drill.metric("graft_tokens_total")
    asyncio.run(go())
    wait_until(lambda: running(drill.api) == 0, "the end of the generation")
    assert drill.metric("graft_tokens_total") == finished


def test_odd_requests_leave_the_same_vllm_running(drill):
    def process() -> int:
        return httpx.get(f"{drill.api.root_url}/v1/models").json()["pid"]

    before = process()
    api = schemathesis.openapi.from_url(f"{drill.graft.base_url}/openapi.json")
    statuses = set()

    @given(case=api["/v1/chat/completions"]["POST"].as_strategy())
    @hypothesis.settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case):
        if isinstance(case.body, dict):
            case.body = case.body | {"model": "garden:base", "messages": QUESTION, "n": 1, "corpus": None}
        response = case.call()
        assert response.status_code < 500 or response.json()["error"]["code"] == "invalid_answer", response.text
        statuses.add(response.status_code)

    ask()
    assert {200, 400} <= statuses
    assert process() == before
    assert drill.ask().status_code == 200


def test_dead_vllm_is_noticed_and_its_passages_answer_until_it_is_back(drill):
    drill.stop_vllm()
    drill.graft.wait_until(lambda: not drill.graft.is_ready(), "red /ready")
    body = drill.ask().json()
    assert body["graft"]["degraded"] is True
    assert body["choices"][0]["message"]["content"].startswith("The model is not running.")
    assert "shrubs/quince.md" in [citation["source"] for citation in body["citations"]]
    assert drill.ask(format="json").status_code == 503
    assert drill.ask(model="garden:base").status_code == 503
    drill.start_vllm()
    drill.graft.wait_until(drill.graft.is_ready, "green /ready")
    assert drill.ask().json()["graft"]["degraded"] is False


def test_hanging_vllm_is_noticed_as_well(drill):
    drill.signal_vllm(signal.SIGSTOP)
    try:
        drill.graft.wait_until(lambda: not drill.graft.is_ready(), "red /ready")
        assert drill.ask().json()["graft"]["degraded"] is True
    finally:
        drill.signal_vllm(signal.SIGCONT)
    drill.graft.wait_until(drill.graft.is_ready, "green /ready")


def test_each_request_has_left_a_line_without_its_words(drill):
    text = (drill.graft.workspace / "logs" / "requests.jsonl").read_text()
    assert text.count('"path": "/v1/chat/completions"') >= 16
    assert "quince" not in text
