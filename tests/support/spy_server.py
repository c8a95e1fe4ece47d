"""A server on loopback that stands for everywhere else: it counts who comes, so that a test can say that nobody did."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.http_server import serving


class SpyServer(ThreadingHTTPServer):
    """`connections` counts those that were opened, with a request or without; `paths` are what was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.connections = 0
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> Any:
        connection = super().get_request()
        self.connections += 1
        return connection

    def forget(self) -> None:
        """Count from nothing."""
        self.connections, self.paths = 0, []


class _Answer(BaseHTTPRequestHandler):
    """An empty page without any policy, at every path and for every method."""

    server: SpyServer

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def spying() -> Iterator[SpyServer]:
    """The server, until the block ends."""
    server = SpyServer()
    with serving(server):
        yield server
