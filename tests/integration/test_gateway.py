"""The gateway on a real port: the clients people use, streams that are broken off, and a clean end."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import httpx
import pytest
from pydantic import BaseModel

from serve.http_server import check_port
from serve.listeners import listen_tcp
from tests.support.graft_process import REPOSITORY, free_port
from tests.support.scripted_service import ADAPTER, ScriptedService, until
from tests.support.served_app import served_app

pytestmark = pytest.mark.integration
ENVELOPE = '{"citations": [1], "answer": {"plant": "quince", "prune": "February", "sun": "full"}}'
QUINCE = "When do I prune quince?"
MESSAGES = [{"role": "user", "content": QUINCE}]


class Care(BaseModel):
    """What a client asks for as JSON."""

    plant: str
    prune: str
    sun: str


@pytest.fixture
def serve(tmp_path):
    """Serves a scripted model's replies and returns where."""
    running = []

    def start(*replies: str, endless: int = 0):
        service = ScriptedService(*replies)
        service.script.endless = endless
        context = served_app(service, tmp_path / "run" / "control")
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)


# --- the openai client ---


def openai_client(served):
    import openai

    return openai.OpenAI(base_url=f"{served.base_url}/v1", api_key="none", max_retries=0)


def test_openai_client_lists_asks_and_streams(serve):
    with openai_client(serve("In February. [1]", "In February. [1]")) as client:
        assert next(iter(client.models.list())).id == "garden"
        assert client.models.retrieve(ADAPTER).id == ADAPTER
        answer = client.chat.completions.create(model="garden", messages=MESSAGES)
        message = answer.choices[0].message
        assert message.content == "In February. [1]"
        assert message.annotations[0].url_citation.title == "shrubs/quince.md, Quince > Pruning"
        assert answer.model_extra["citations"][0]["source"] == "shrubs/quince.md"
        stream = client.chat.completions.create(
            model="garden", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == message.content
    assert chunks[-1].usage.total_tokens == answer.usage.total_tokens == 48
    assert chunks[-2].choices[0].delta.model_extra["citations"] == answer.model_extra["citations"]


def test_openai_client_accumulates_and_parses(serve):
    with openai_client(serve("In February. [1]", ENVELOPE, '{"citations": [], "answer": null}')) as client:
        with client.chat.completions.stream(model="garden", messages=MESSAGES) as stream:
            final = stream.get_final_completion()
        assert final.choices[0].message.content == "In February. [1]"
        parsed = client.chat.completions.parse(model="garden", messages=MESSAGES, response_format=Care)
        assert parsed.choices[0].message.parsed == Care(plant="quince", prune="February", sun="full")
        refused = client.chat.completions.parse(model="garden", messages=MESSAGES, response_format=Care)
        assert refused.choices[0].message.parsed is None
        assert refused.choices[0].message.refusal == "I cannot find this in the leaflets."


def test_openai_client_raises_its_own_errors(serve):
    import openai

    invalid = '{"citations": [], "answer": {}}'
    with openai_client(serve(invalid, invalid)) as client:
        with pytest.raises(openai.NotFoundError, match="garden:rag"):
            client.chat.completions.create(model="gpt-4", messages=MESSAGES)
        with pytest.raises(openai.BadRequestError, match="tools"):
            client.chat.completions.create(
                model="garden", messages=MESSAGES, tools=[{"type": "function", "function": {"name": "f"}}]
            )
        with pytest.raises(openai.InternalServerError, match="schema"):
            client.chat.completions.create(model="garden", messages=MESSAGES, extra_body={"format": "json"})


# --- LangChain ---


def langchain_model(served, **options):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="garden", base_url=f"{served.base_url}/v1", api_key="none", max_retries=0, **options)


def test_langchain_invokes_and_streams(serve):
    model = langchain_model(serve("In February. [1]", "In February. [1]"), temperature=0)
    answer = model.invoke([("system", "Be brief."), ("user", QUINCE)])
    assert answer.text == "In February. [1]"
    assert answer.usage_metadata["total_tokens"] == 48
    assert "".join(chunk.text for chunk in model.stream(QUINCE)) == answer.text


def test_langchain_structured_output(serve):
    model = langchain_model(serve(ENVELOPE, ENVELOPE))
    care = Care(plant="quince", prune="February", sun="full")
    assert model.with_structured_output(Care).invoke(QUINCE) == care
    assert model.with_structured_output(Care, method="json_mode").invoke(QUINCE) == care


# --- Open WebUI: too large to install here, so its requests are made as its connection to an OpenAI API makes them ---


def test_open_webui_lists_chats_and_asks_for_a_title(serve):
    served = serve("In February. [1]", "I cannot find this in the leaflets.")
    headers = {
        "Authorization": "Bearer none",
        "X-OpenWebUI-User-Name": "Alice%20B",
        "X-OpenWebUI-User-Id": "1",
        "X-OpenWebUI-User-Email": "alice@example.org",
        "X-OpenWebUI-User-Role": "user",
        "X-OpenWebUI-Chat-Id": "2",
    }
    chat = {
        "stream": True,
        "model": "garden",
        "messages": [
            {"role": "system", "content": "Current date: 2026-11-24."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello! How can I help?"},
            {"role": "user", "content": [{"type": "text", "text": QUINCE}]},
        ],
        "stream_options": {"include_usage": True},
        "temperature": 0.7,
        "user": "1",
        "features": {"web_search": False, "image_generation": False},
        "files": [],
        "tool_ids": [],
        "variables": {"{{USER_NAME}}": "Alice"},
        "metadata": {"chat_id": "2"},
    }
    title = {
        "model": "garden",
        "messages": [{"role": "user", "content": '### Task:\nGenerate a title as JSON: { "title": "..." }'}],
        "stream": False,
        "max_completion_tokens": 1000,
        "metadata": {"task": "title_generation", "chat_id": "2"},
    }
    with httpx.Client(base_url=f"{served.base_url}/v1", headers=headers, timeout=20) as client:
        models = client.get("/models").json()
        assert models["object"] == "list"
        assert all({"id", "object", "owned_by"} <= set(model) for model in models["data"])
        response = client.post("/chat/completions", json=chat)
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
        assert lines[-1] == "[DONE]"
        chunks = [json.loads(line) for line in lines[:-1]]
        assert (
            "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]) == "In February. [1]"
        )
        assert chunks[-1]["usage"]["total_tokens"] == 48
        answer = client.post("/chat/completions", json=title)
        assert answer.json()["choices"][0]["message"]["content"]


# --- clients that go away ---


@pytest.mark.parametrize("stream", [True, False])
def test_broken_connection_ends_the_generation(serve, stream):
    served = serve(endless=1)
    script = served.service.script
    body = {"model": "garden", "messages": MESSAGES, "stream": stream}

    async def read_some(client: httpx.AsyncClient) -> None:
        async with client.stream("POST", "/v1/chat/completions", json=body) as response:
            async for line in response.aiter_lines():
                if "more" in line:
                    return

    async def go() -> None:
        async with httpx.AsyncClient(base_url=served.base_url, timeout=20) as client:
            asking = asyncio.create_task(read_some(client))
            if stream:
                await asking
            else:
                await until(lambda: script.running == 1)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: script.aborted == 1)

    asyncio.run(go())
    assert script.running == 0


# --- ports and the end ---


def test_port_in_use_names_the_user(serve):
    from core.errors import ServeError

    served = serve()
    with pytest.raises(ServeError, match=rf"port {served.settings.port} is in use by .*{os.getpid()}.*--port"):
        check_port("127.0.0.1", served.settings.port)
    check_port("localhost", free_port())
    with pytest.raises(ServeError, match=r"no-such-host\.invalid"):
        check_port("no-such-host.invalid", 7860)
    with pytest.raises(ServeError, match=r"192\.0\.2\.7"):
        check_port("192.0.2.7", served.settings.port)


def test_answers_are_not_held_back_for_an_acknowledgement():
    import socket

    async def go() -> bool:
        accepted = asyncio.get_running_loop().create_future()
        listener = listen_tcp("127.0.0.1", free_port())[0]
        server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), sock=listener)
        async with server:
            _, client = await asyncio.open_connection(*listener.getsockname())
            writer = await accepted
            no_delay = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
            client.close()
        return bool(no_delay)

    assert asyncio.run(go())


def test_stop_cancels_open_streams_and_removes_the_socket(serve):
    served = serve(endless=1)
    body = {"model": "garden", "messages": MESSAGES, "stream": True}
    with httpx.stream("POST", f"{served.base_url}/v1/chat/completions", json=body, timeout=20) as response:
        lines = response.iter_lines()
        next(lines)
        assert served.socket.exists()
        served.stop()
        with pytest.raises(httpx.TransportError):
            list(lines)
    assert served.service.script.running == 0
    assert not served.socket.exists()
    check_port("127.0.0.1", served.settings.port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_process_while_a_stream_is_open(tmp_path, number):
    port, socket = free_port(), tmp_path / "control"
    program = (
        "from core.settings import ServeSettings\n"
        "from serve.control import create_control_app\n"
        "from serve.gateway import create_app\n"
        "from serve.http_server import run_servers\n"
        "from pathlib import Path\n"
        "from tests.support.scripted_service import ScriptedService\n"
        "service = ScriptedService()\n"
        "service.script.endless = 1\n"
        f"settings = ServeSettings(port={port})\n"
        f"controls = {{Path({str(socket)!r}): create_control_app(service)}}\n"
        "app = create_app([service], settings)\n"
        "run_servers(app, controls, settings, lambda: print('started', flush=True))\n"
        "print('running', service.script.running)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        assert socket.stat().st_mode & 0o777 == 0o600
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        body = {"model": "garden", "messages": MESSAGES, "stream": True}
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        with httpx.stream("POST", url, json=body, timeout=20) as response:
            next(response.iter_lines())
            process.send_signal(number)
            output, _ = process.communicate(timeout=20)
        assert output == "running 0\n"
        assert process.returncode == 0
        assert not socket.exists()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
