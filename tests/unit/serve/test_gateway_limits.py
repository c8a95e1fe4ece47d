"""Clients that go away, and more of them than can be served: generation stops, and the queue has an end."""

import asyncio
import json

import pytest
from starlette.types import ASGIApp

from core.settings import ServeSettings
from serve.gateway import create_app
from tests.support.scripted_service import ScriptedService, until

HEADERS = [(b"host", b"127.0.0.1:7860"), (b"content-type", b"application/json")]


class Connection:
    """One raw ASGI request that the test can break off. `status` and `body` are what has arrived."""

    def __init__(self, app: ASGIApp, **fields) -> None:
        content = {"model": "garden", "messages": [{"role": "user", "content": "When do I prune quince?"}], **fields}
        self._inbox: asyncio.Queue = asyncio.Queue()
        self._inbox.put_nowait({"type": "http.request", "body": json.dumps(content).encode(), "more_body": False})
        self.status: int | None = None
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/v1/chat/completions",
            "raw_path": b"/v1/chat/completions",
            "query_string": b"",
            "headers": HEADERS,
            "server": ("127.0.0.1", 7860),
            "client": ("127.0.0.1", 1),
        }
        self.task = asyncio.create_task(app(scope, self._inbox.get, self._send))

    def break_off(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})

    async def _send(self, message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        self.body += message.get("body", b"")


@pytest.mark.parametrize("stream", [False, True])
def test_lost_client_ends_the_generation(stream):
    async def go() -> None:
        service = ScriptedService()
        service.script.endless = 1
        connection = Connection(create_app([service], ServeSettings()), stream=stream)
        await until(lambda: service.script.running == 1 and (not stream or b"more" in connection.body))
        connection.break_off()
        await connection.task
        assert (service.script.running, service.script.aborted) == (0, 1)

    asyncio.run(go())


def test_cancelled_stream_ends_the_generation():
    async def go() -> None:
        service = ScriptedService()
        service.script.endless = 1
        connection = Connection(create_app([service], ServeSettings()), stream=True)
        await until(lambda: b"more" in connection.body)
        connection.task.cancel()
        await asyncio.gather(connection.task, return_exceptions=True)
        await until(lambda: service.script.running == 0)

    asyncio.run(go())


def test_one_answers_one_waits_and_the_third_is_told_to_come_back():
    async def go() -> None:
        service = ScriptedService("Second.")
        service.script.endless = 1
        app = create_app([service], ServeSettings(max_num_seqs=1, max_waiting=1))
        first = Connection(app)
        await until(lambda: service.script.running == 1)
        second = Connection(app)
        await asyncio.sleep(0.01)
        third = Connection(app, stream=True)
        await third.task
        assert third.status == 503
        assert int(third.headers[b"retry-after"]) > 0
        assert json.loads(third.body)["error"]["code"] == "overloaded"
        assert second.status is None
        first.break_off()
        await second.task
        assert second.status == 200
        assert b"Second." in second.body

    asyncio.run(go())


def test_full_queue_refuses_before_it_reads_what_is_asked():
    async def go() -> None:
        service = ScriptedService()
        service.script.endless = 1
        app = create_app([service], ServeSettings(max_num_seqs=1, max_waiting=0))
        first = Connection(app)
        await until(lambda: service.script.running == 1)
        second = Connection(app, messages="no messages")
        await second.task
        assert second.status == 503
        assert int(second.headers[b"retry-after"]) > 0
        assert b"x-request-id" in second.headers
        first.break_off()
        await first.task
        third = Connection(app, messages="no messages")
        await third.task
        assert third.status == 400

    asyncio.run(go())


def test_client_that_gives_up_waiting_leaves_its_place_to_the_next():
    async def go() -> None:
        service = ScriptedService("Third.")
        service.script.endless = 1
        app = create_app([service], ServeSettings(max_num_seqs=1, max_waiting=1))
        first = Connection(app)
        await until(lambda: service.script.running == 1)
        second = Connection(app)
        await asyncio.sleep(0.01)
        second.break_off()
        await second.task
        third = Connection(app)
        await asyncio.sleep(0.01)
        first.break_off()
        await third.task
        assert third.status == 200
        assert len(service.script.prompts) == 2

    asyncio.run(go())


def test_error_in_the_middle_of_a_stream_is_written_into_it():
    async def go() -> None:
        service = ScriptedService()
        service.script.endless = 1
        connection = Connection(create_app([service], ServeSettings()), stream=True)
        await until(lambda: b"more" in connection.body)
        service.script.broken = True
        await connection.task
        last = connection.body.decode().split("\n\n")[-2]
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "internal_error"
        assert connection.status == 200

    asyncio.run(go())
