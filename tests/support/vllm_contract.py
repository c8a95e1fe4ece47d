"""What Graft relies on in a vLLM server: one suite for the real one and for the fake (serve.fake_vllm).

A test module subclasses VllmContract and gives it the fixture `vllm`, a VllmApi, and `adapter`, a folder it can load.
"""

import contextlib
import json
import time
from pathlib import Path

import httpx
import pytest

from core.answer_text import json_grammar
from core.errors import ServeError
from core.sections import missing_sections, sections_pattern
from serve.vllm_api import VllmApi

CARE = {
    "type": "object",
    "properties": {"plant": {"type": "string", "maxLength": 20}, "sun": {"enum": ["full", "half"]}},
    "required": ["plant", "sun"],
    "additionalProperties": False,
}


def ask(vllm: VllmApi, **fields) -> httpx.Response:
    body = {"model": vllm.models()[0], "messages": [{"role": "user", "content": "When do I prune quince?"}], **fields}
    with vllm.client(60) as client:
        return client.post("/v1/chat/completions", json={"max_tokens": 40, "temperature": 0, **body})


def running(vllm: VllmApi) -> float:
    with vllm.client() as client:
        text = client.get("/metrics").text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("vllm:num_requests_running{"))


def wait_until(done, what: str) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.05)


class VllmContract:
    """The suite."""

    def test_it_is_healthy_and_lists_its_models(self, vllm: VllmApi):
        assert vllm.is_healthy()
        assert vllm.models()

    def test_whole_answer_has_text_tokens_and_a_reason(self, vllm: VllmApi):
        body = ask(vllm).json()
        choice = body["choices"][0]
        assert choice["message"]["content"]
        assert choice["finish_reason"] in ("stop", "length")
        assert body["usage"]["prompt_tokens"] > 0
        assert 0 < body["usage"]["completion_tokens"] <= 40

    def test_answer_without_room_ends_with_length(self, vllm: VllmApi):
        assert ask(vllm, max_tokens=2).json()["choices"][0]["finish_reason"] == "length"

    def test_stream_spells_the_whole_answer_and_counts_at_its_end(self, vllm: VllmApi):
        whole = ask(vllm).json()
        response = ask(vllm, stream=True, stream_options={"include_usage": True})
        lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
        assert lines[-1] == "[DONE]"
        chunks = [json.loads(line) for line in lines[:-1]]
        pieces = [c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]]
        assert "".join(pieces) == whole["choices"][0]["message"]["content"]
        assert chunks[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
        assert [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]][-1] in ("stop", "length")

    def test_answer_is_decoded_under_a_schema(self, vllm: VllmApi):
        body = ask(vllm, structured_outputs=json_grammar(CARE, 2), max_tokens=120).json()
        text = body["choices"][0]["message"]["content"]
        value = json.loads(text)
        assert text == json.dumps(value, ensure_ascii=False), "white space where there need be none"
        assert set(value) == {"citations", "answer"}
        assert value["answer"] is None or value["answer"]["sun"] in ("full", "half")

    def test_answer_is_decoded_under_sections(self, vllm: VllmApi):
        sections = ("When", "How (much)")
        # A base model may write the first section until there is no room: then only the beginning is held to it.
        body = ask(vllm, structured_outputs={"regex": sections_pattern(sections, "No.")}, max_tokens=200).json()
        text = body["choices"][0]["message"]["content"]
        if body["choices"][0]["finish_reason"] == "length":
            assert text.startswith(("## When\n\n", "No."))
        else:
            assert text == "No." or not missing_sections(text, sections)

    def test_unknown_model_is_404_with_a_message(self, vllm: VllmApi):
        response = ask(vllm, model="nobody")
        assert response.status_code == 404
        assert "nobody" in response.json()["error"]["message"]

    def test_adapter_is_loaded_by_folder_and_answers_under_its_name(self, vllm: VllmApi, adapter: Path):
        vllm.load_adapter("contract@1", adapter)
        vllm.load_adapter("contract@1", adapter)
        assert vllm.models().count("contract@1") == 1
        assert ask(vllm, model="contract@1").is_success
        vllm.unload_adapter("contract@1")
        assert "contract@1" not in vllm.models()
        assert ask(vllm, model="contract@1").status_code == 404

    def test_folder_that_is_no_adapter_is_refused(self, vllm: VllmApi, tmp_path: Path):
        with pytest.raises(ServeError, match="not a PEFT adapter"):
            vllm.load_adapter("contract@broken", tmp_path / "missing")

    @pytest.mark.parametrize("stream", [True, False])
    def test_lost_client_ends_the_generation(self, vllm: VllmApi, stream: bool):
        body = {
            "model": vllm.models()[0],
            "messages": [{"role": "user", "content": "Count from one to ten thousand."}],
            "max_tokens": 700,
            "ignore_eos": True,
            "stream": stream,
        }
        # Patience for one second: a stream is left once it has begun, a whole answer before it comes.
        with (
            contextlib.suppress(httpx.ReadTimeout),
            vllm.client(1.0) as client,
            client.stream("POST", "/v1/chat/completions", json=body) as response,
        ):
            assert stream, "the whole answer came before the client could leave"
            lines = response.iter_lines()  # kept: to drop it is to leave
            next(lines)
            wait_until(lambda: running(vllm) == 1, "the beginning of the generation")
        wait_until(lambda: running(vllm) == 0, "the end of the generation")

    def test_prefix_cache_is_counted(self, vllm: VllmApi):
        before = vllm.cache_counts()
        ask(vllm)
        after = vllm.cache_counts()
        assert before is not None
        assert after is not None
        assert after[0] > before[0]
