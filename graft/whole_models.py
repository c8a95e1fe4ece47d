"""Whole models of a domain (methods dora and full), each in a vLLM of its own beside the base's while it is needed.

A vLLM serves one base and adapters to it; a model whose own weights were trained needs another one. It starts when it
is first asked, after a look at memory, and stops when nobody needs it any more.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.errors import AdapterError, GraftError, ModelError
from core.settings import ServeSettings
from core.workspace import Workspace
from finetune.adapters import AdapterStore
from graft import build
from graft.sockets import vllm_socket
from graft.vllm_memory import check_room

if TYPE_CHECKING:
    from serve.vllm_process import VllmProcess

Say = Callable[[str], None]


class WholeModels:
    """Whole models of one domain's `store`, on loan. May be used from several threads; `close` last.

    `starting` is held for as long as a start takes.
    """

    def __init__(
        self, settings: ServeSettings, workspace: Workspace, store: AdapterStore, starting: threading.Lock
    ) -> None:
        self._settings, self._workspace, self._store = settings, workspace, store
        self._needed: Counter[str] = Counter()
        self._servers: dict[str, VllmProcess] = {}
        self._ready: set[str] = set()
        self._failed: dict[str, str] = {}
        self._lock = threading.Lock()
        self._starting = starting

    def lend(self, name: str) -> None:
        """Somebody needs this model now: it may be opened until as many have given it back."""
        with self._lock:
            self._needed[name] += 1
            self._failed.pop(name, None)

    def give_back(self, name: str) -> None:
        """Somebody needs it no longer; its server stops with the last, also in the middle of its start."""
        with self._lock:
            self._needed[name] -= 1
            if self._needed[name] > 0:
                return
            del self._needed[name]
            self._ready.discard(name)
            server = self._servers.pop(name, None)
        if server is not None:
            server.stop()

    @contextmanager
    def lent(self, name: str) -> Iterator[None]:
        """`lend`, and `give_back` on leaving."""
        self.lend(name)
        try:
            yield
        finally:
            self.give_back(name)

    def find(self, name: str) -> "VllmProcess | None":
        """The server of a model that is open, or None."""
        with self._lock:
            return self._servers[name] if name in self._ready else None

    def open(self, name: str, say: Say) -> "VllmProcess":
        """The server of a model on loan, started if need be (about a minute on two cores).

        Raises AdapterError for one that nobody has lent, ModelError where memory will not do or it does not start; that
        one is not tried again before it is lent again.
        """
        found = self.find(name)
        if found is not None:
            return found
        with self._starting:
            with self._lock:
                if name in self._ready:
                    return self._servers[name]
                if name in self._failed:
                    raise ModelError(self._failed[name])
                if name not in self._needed:
                    raise AdapterError(
                        f"{name} is a whole model, which is not being served: make it the active one "
                        f"(graft adapters activate {name}), or let graft lab ask it"
                    )
            try:
                server = self._start(name, say)
            except GraftError as error:
                with self._lock:
                    self._servers.pop(name, None)
                    self._failed[name] = str(error)
                raise ModelError(str(error)) from error
            with self._lock:
                if name in self._needed:
                    self._ready.add(name)
                    return server
        server.stop()
        raise AdapterError(f"{name} was given back while it started: ask again")

    def close(self) -> None:
        """Stop every server."""
        with self._lock:
            servers = list(self._servers.values())
            self._servers.clear()
            self._ready.clear()
            self._needed.clear()
        for server in servers:
            server.stop()

    def _start(self, name: str, say: Say) -> "VllmProcess":
        from serve.vllm_metadata import is_cpu_build

        model, version = self._store.path(name), name.partition("@")[2]
        share = check_room(name, model, self._settings, cpu=is_cpu_build())
        server = build.vllm_server(
            self._settings.model_copy(update={"gpu_memory_utilization": share, "replicas": 1}),
            model,
            name,
            vllm_socket(self._workspace, version),
            self._workspace.logs / "vllm-whole.log",
            lora=False,
        )
        with self._lock:
            self._servers[name] = server
        server.start(lambda text: say(f"{name}, a whole model: {text}"))
        return server
