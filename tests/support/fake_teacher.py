"""A small OpenAI-compatible HTTP server for tests: answers chat completions by a script, some well, some badly."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.http_server import serving

Script = Callable[[dict[str, Any]], "str | int"]
"""The request's body in; the reply's text, or an HTTP status to fail with, out."""


class FakeTeacher:
    """What was asked of it, and where it listens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []


@contextmanager
def fake_teacher(script: Script) -> Iterator[FakeTeacher]:
    """Serve `script` on a port of the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            teacher.requests.append(body)
            teacher.keys.append(self.headers.get("Authorization"))
            reply = script(body) if self.path == "/v1/chat/completions" else 404
            if isinstance(reply, int):
                self.send(reply, {"error": {"message": f"scripted {reply}"}})
                return
            message = {"role": "assistant", "content": reply}
            self.send(
                200,
                {
                    "id": "x",
                    "object": "chat.completion",
                    "created": 0,
                    "model": body["model"],
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                },
            )

        def send(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server) as url:
        teacher = FakeTeacher(f"{url}/v1")
        yield teacher
