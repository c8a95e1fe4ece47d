"""Gateway and control API of a scripted service on a real port and a real Unix socket, in a thread of the test."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.settings import ServeSettings
from serve.control import create_control_app
from serve.gateway import create_app
from serve.http_server import Servers
from tests.support.graft_process import free_port
from tests.support.scripted_service import ScriptedService


class ServedApp:
    """`base_url` of the gateway, `socket` of the control API, `service` behind both."""

    def __init__(self, service: ScriptedService, socket: Path) -> None:
        self.service, self.socket = service, socket
        self.settings = ServeSettings(port=free_port())
        self.base_url = f"http://127.0.0.1:{self.settings.port}"
        self.started = threading.Event()
        app, controls = create_app([service], self.settings), {socket: create_control_app(service)}
        self.servers = Servers(app, controls, self.settings, self.started.set)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.servers.run()), daemon=True)

    def stop(self) -> None:
        """Stop both servers and wait for their thread."""
        self.servers.stop()
        self.thread.join(20)
        assert not self.thread.is_alive(), "the servers did not stop"


@contextmanager
def served_app(service: ScriptedService, socket: Path) -> Iterator[ServedApp]:
    """Serve until the block ends."""
    served = ServedApp(service, socket)
    served.thread.start()
    try:
        assert served.started.wait(20), "the servers did not start"
        yield served
    finally:
        if served.thread.is_alive():
            served.stop()
