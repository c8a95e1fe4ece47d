"""HTTP servers in one event loop: gateway and page on TCP, each domain's control API on a Unix socket. Knows no route.

Stops on SIGINT and SIGTERM: open streams get a few seconds, then they are cancelled.
"""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from core.errors import ServeError
from core.settings import ServeSettings
from serve.listeners import check_port, listen_tcp, listen_unix

__all__ = ["Servers", "check_port", "run_servers"]
_GRACE_SECONDS = 2


def run_servers(
    app: ASGIApp, controls: Mapping[Path, ASGIApp], settings: ServeSettings, on_started: Callable[[], None]
) -> None:
    """Serve `app`, and each of `controls` on its socket, until SIGINT or SIGTERM. Raises ServeError.

    `on_started` is called once all of them answer.
    """
    servers = Servers(app, controls, settings, on_started)
    with asyncio.Runner(loop_factory=servers.loop_factory) as runner:
        runner.run(servers.run())


class Servers:
    """All servers. `run` serves until a signal, or until `stop` is called from any thread."""

    def __init__(
        self, app: ASGIApp, controls: Mapping[Path, ASGIApp], settings: ServeSettings, on_started: Callable[[], None]
    ) -> None:
        self._settings, self._on_started = settings, on_started
        self._gateway = _server(app)
        self._controls = {socket: _server(control) for socket, control in controls.items()}
        self._all = [self._gateway, *self._controls.values()]

    @property
    def loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        """What makes the event loop: uvicorn's choice, which is uvloop where that is installed."""
        return self._gateway.config.get_loop_factory()

    async def run(self) -> None:
        """Listen, serve, stop. Raises ServeError when an address or the socket cannot be used."""
        with contextlib.ExitStack() as stack:
            listeners = listen_tcp(self._settings.host, self._settings.port)
            for listener in listeners:
                stack.callback(listener.close)
            control_listeners = []
            for path in self._controls:
                control_listeners.append(listen_unix(path))
                stack.callback(path.unlink, missing_ok=True)
                stack.callback(control_listeners[-1].close)
            stack.enter_context(self._stopping_on_signals())
            announcing = asyncio.create_task(self._announce())
            serving = [
                asyncio.create_task(self._gateway.serve(listeners)),
                *(
                    asyncio.create_task(control.serve([listener]))
                    for control, listener in zip(self._controls.values(), control_listeners, strict=True)
                ),
            ]
            try:
                await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
            finally:
                # One alone is of no use: whatever stopped the first stops the others.
                for server in self._all:
                    server.should_exit = True
                announcing.cancel()
                await asyncio.wait(serving)
            for task in serving:
                task.result()

    def stop(self) -> None:
        """Stop all; a second call does not wait for open streams."""
        for server in self._all:
            server.force_exit = server.should_exit
            server.should_exit = True

    async def _announce(self) -> None:
        for server in self._all:
            await server.listening.wait()
        self._on_started()

    @contextlib.contextmanager
    def _stopping_on_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


class _Server(uvicorn.Server):
    """A uvicorn server that says when it listens, and leaves signals to the one who runs several of them."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:
            raise ServeError("the gateway could not start: logs/graft.log in the workspace says why") from error
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: ASGIApp) -> _Server:
    # log_config=None: uvicorn's loggers go where the process's logging goes, which is the workspace's log file.
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return _Server(config)
