"""A vLLM without a model: a real HTTP server that speaks as much of vLLM's protocol as Graft uses. For developers.

    python -m serve.fake_vllm --port 8001        and then        graft serve --vllm-url http://127.0.0.1:8001

It quotes the first passage of the prompt, or fills the schema it is asked for. The contract that it shares with the
real server is tests/support/vllm_contract.py.
"""

import argparse
import asyncio
import json
import os
import re
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from serve.fake_answers import write_reply


class FakeVllm:
    """State of one server. `delay`: seconds per token; `reply`: what it says to everything but a schema."""

    def __init__(self, models: list[str], *, delay: float = 0.0, reply: str = "") -> None:
        self.models, self.delay, self.reply = models, delay, reply
        self.running = 0
        self.cache = {"queries": 0, "hits": 0}
        self._prompts: list[list[str]] = []
        self._loras: set[str] = set()

    def app(self) -> Starlette:
        """The routes."""
        return Starlette(
            routes=[
                Route("/health", lambda _: Response()),
                Route("/metrics", self._metrics),
                Route("/v1/models", self._models),
                Route("/v1/load_lora_adapter", self._load, methods=["POST"]),
                Route("/v1/unload_lora_adapter", self._unload, methods=["POST"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/completions", self._complete, methods=["POST"]),
            ]
        )

    async def _models(self, _: Request) -> Response:
        entries = [{"id": name, "object": "model", "owned_by": "vllm"} for name in self.models]
        return JSONResponse({"object": "list", "data": entries, "pid": os.getpid()})

    async def _metrics(self, _: Request) -> Response:
        label = f'{{engine="0",model_name="{self.models[0]}"}}'
        return PlainTextResponse(
            f"vllm:num_requests_running{label} {float(self.running)}\n"
            f"vllm:prefix_cache_queries_total{label} {float(self.cache['queries'])}\n"
            f"vllm:prefix_cache_hits_total{label} {float(self.cache['hits'])}\n"
        )

    async def _load(self, request: Request) -> Response:
        body = await request.json()
        name, path = body["lora_name"], Path(body["lora_path"])
        if name in self.models:
            return _error(400, f"The lora adapter '{name}' has already been loaded.")
        if not (path / "adapter_config.json").is_file():
            return _error(404, f"Loading lora {name} failed: no adapter found for {path}")
        self.models.append(name)
        self._loras.add(name)
        return PlainTextResponse(f"Success: LoRA adapter '{name}' added successfully.")

    async def _unload(self, request: Request) -> Response:
        name = (await request.json())["lora_name"]
        if name not in self._loras:
            return _error(404, f"The lora adapter '{name}' cannot be found.")
        self._loras.remove(name)
        self.models.remove(name)
        return PlainTextResponse(f"Success: LoRA adapter '{name}' removed successfully.")

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        if body.get("model") not in self.models:
            return _unknown(body)
        usage = {"prompt_tokens": len(str(body["prompt"]).split()), "completion_tokens": 1}
        return JSONResponse({"choices": [{"index": 0, "text": " Yes", "finish_reason": "stop"}], "usage": usage})

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        if body.get("model") not in self.models:
            return _unknown(body)
        text = write_reply(body["messages"], body.get("structured_outputs"), self.reply)
        tokens = re.findall(r"\s*\S+|\s+$", text)
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or len(tokens)
        if body.get("ignore_eos"):
            tokens *= 1 + limit // len(tokens)
        finish = "length" if len(tokens) > limit else "stop"
        usage = {"prompt_tokens": self._read(body["messages"]), "completion_tokens": min(len(tokens), limit)}
        usage["total_tokens"] = sum(usage.values())
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": body["model"]}
        pieces = self._write(tokens[:limit])
        if body.get("stream"):
            pieces = _batched(pieces, body.get("stream_interval") or 1)
            counted = usage if (body.get("stream_options") or {}).get("include_usage") else None
            return StreamingResponse(_events(head, pieces, finish, counted), media_type="text/event-stream")
        writing = asyncio.create_task(_joined(pieces))
        gone = asyncio.create_task(_gone(request))
        await asyncio.wait((writing, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not writing.done():
            writing.cancel()
            return Response(status_code=499)
        message = {"role": "assistant", "content": writing.result()}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": usage})

    async def _write(self, tokens: list[str]) -> AsyncIterator[str]:
        self.running += 1
        try:
            for token in tokens:
                await asyncio.sleep(self.delay)
                yield token
        finally:
            self.running -= 1

    def _read(self, messages: list[dict[str, Any]]) -> int:
        """Count the prompt's words, and those that an earlier prompt began with."""
        words = " ".join(str(message["content"]) for message in messages).split()
        self.cache["queries"] += len(words)
        self.cache["hits"] += max((_shared(words, earlier) for earlier in self._prompts), default=0)
        self._prompts = [*self._prompts[-15:], words]
        return len(words)


async def _events(
    head: dict[str, Any], pieces: AsyncIterator[str], finish: str, usage: dict[str, int] | None
) -> AsyncIterator[str]:
    def event(choices: list[dict[str, Any]], **more: Any) -> str:
        return f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', 'choices': choices, **more})}\n\n"

    yield event([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
    async for piece in pieces:
        yield event([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
    yield event([{"index": 0, "delta": {}, "finish_reason": finish}])
    if usage is not None:
        yield event([], usage=usage)
    yield "data: [DONE]\n\n"


async def _batched(pieces: AsyncIterator[str], at_once: int) -> AsyncIterator[str]:
    """The first piece as it is, then `at_once` in one."""
    held, size = [], 1
    async for piece in pieces:
        held.append(piece)
        if len(held) == size:
            yield "".join(held)
            held, size = [], at_once
    if held:
        yield "".join(held)


async def _joined(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _shared(words: list[str], earlier: list[str]) -> int:
    """How many words two prompts begin with in common."""
    pairs = enumerate(zip(words, earlier, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(words), len(earlier)))


def _error(status: int, message: str) -> Response:
    kind = "NotFoundError" if status == 404 else "BadRequestError"
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": status}}, status)


def _unknown(body: dict[str, Any]) -> Response:
    return _error(404, f"The model `{body.get('model')}` does not exist.")


def main() -> None:
    """Serve until interrupted."""
    import uvicorn

    parser = argparse.ArgumentParser(prog="python -m serve.fake_vllm", description="vLLM's protocol without a model.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8001, help="port to listen on (default 8001)")
    parser.add_argument("--uds", help="a Unix socket to listen on instead")
    parser.add_argument("--model", action="append", help="a served model's name (default SmolLM2-135M-Instruct)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds per token (default 0)")
    parser.add_argument("--reply", default="", help="what it says; default: the first passage of the prompt")
    chosen = parser.parse_args()
    models = chosen.model or ["SmolLM2-135M-Instruct"]
    app = FakeVllm(models, delay=chosen.delay, reply=chosen.reply).app()
    where = {"uds": chosen.uds} if chosen.uds else {"host": chosen.host, "port": chosen.port}
    uvicorn.run(app, **where, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
