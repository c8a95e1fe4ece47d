"""A domain that another process of this workspace serves, as a DomainService: every call goes over its control socket.

Errors of the other process are raised here as the same classes. The other end is serve.control.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from core.chat import Event, Question
from core.errors import GraftError, ServeError
from core.pack import DomainPack
from core.service import AdapterInfo, CorpusInfo, ServiceStatus
from core.types import Answer, Passage
from serve.events import decode_error, decode_event

_BASE = "http://graft"
# Answers, ingest and loading an adapter take as long as they take; a process that dies closes the connection.
_PATIENT = httpx.Timeout(None, connect=5.0)
_QUICK = httpx.Timeout(10.0)


class RemoteService:
    """Speaks to the process that listens on `socket`. Raises ServeError when nobody answers there."""

    def __init__(self, socket: Path, pack: DomainPack) -> None:
        self.pack = pack
        self._socket = str(socket)

    def is_alive(self) -> bool:
        """Whether a process serves this domain on the socket."""
        try:
            return self.status().domain == self.pack.name
        except GraftError:
            return False

    def status(self) -> ServiceStatus:
        """State of model, corpus and training."""
        return ServiceStatus.model_validate(self._get("/status"))

    def adapters(self) -> list[AdapterInfo]:
        """Published adapters, newest first."""
        return [AdapterInfo.model_validate(item) for item in self._get("/adapters")]

    def corpora(self) -> list[CorpusInfo]:
        """Corpora of the workspace, the domain's own first."""
        return [CorpusInfo.model_validate(item) for item in self._get("/corpora")]

    async def stream(self, question: Question, corpus: str | None = None) -> AsyncIterator[Event]:
        """Answer as events; closing the iterator aborts the generation over there."""
        async for line in self._lines("/stream", _ask_body(question, corpus)):
            yield decode_event(line)

    async def answer(self, question: Question, corpus: str | None = None) -> Answer:
        """Answer in one piece."""
        return Answer.model_validate(await self._call("POST", "/answer", _ask_body(question, corpus)))

    async def search(
        self, text: str, k: int, corpus: str | None = None, where: Mapping[str, Any] | None = None
    ) -> list[Passage]:
        """The `k` best chunks, whole, best first."""
        found = await self._call(
            "POST", "/search", {"text": text, "k": k, "corpus": corpus, "where": where and dict(where)}
        )
        return [Passage.model_validate(item) for item in found]

    async def fingerprint(self) -> str:
        """Hash of what determines answers over there besides question and arm."""
        return str((await self._call("GET", "/fingerprint"))["fingerprint"])

    async def activate(self, adapter: str, *, unchecked: bool = False) -> None:
        """Make a published adapter the active one."""
        await self._call("POST", "/activate", {"adapter": adapter, "unchecked": unchecked})

    @asynccontextmanager
    async def lend(self, adapter: str) -> AsyncIterator[None]:
        """Let questions name a whole model until this is closed; the death of this process closes it as well."""
        async with aclosing(self._lines("/lend", {"adapter": adapter})) as lines:
            async for line in lines:
                if "error" in line:
                    raise decode_error(line["error"])
                break
            yield

    async def ingest(
        self, on_progress: Callable[[str, float], None], *, reembed: bool = False, allow_mass_deletion: bool = False
    ) -> dict[str, Any]:
        """Bring the index up to date; returns the receipt."""
        body = {"reembed": reembed, "allow_mass_deletion": allow_mass_deletion}
        async for line in self._lines("/ingest", body):
            match line:
                case {"progress": {"stage": stage, "share": share}}:
                    on_progress(stage, share)
                case {"result": result}:
                    return result
                case {"error": error}:
                    raise decode_error(error)
        raise ServeError("the serving process stopped while it indexed: start graft up and ingest again")

    def _get(self, path: str) -> Any:
        transport = httpx.HTTPTransport(uds=self._socket)
        try:
            with httpx.Client(transport=transport, base_url=_BASE, timeout=_QUICK) as client:
                return _content(client.get(path))
        except httpx.TransportError as error:
            raise _silent(error) from error

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            async with self._client() as client:
                return _content(await client.request(method, path, json=body))
        except httpx.TransportError as error:
            raise _silent(error) from error

    async def _lines(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        try:
            async with self._client() as client, client.stream("POST", path, json=body) as response:
                if response.is_error:
                    await response.aread()
                    _content(response)
                async for line in response.aiter_lines():
                    yield json.loads(line)
        except httpx.TransportError as error:
            raise _silent(error) from error

    def _client(self) -> httpx.AsyncClient:
        # One per call: a client belongs to the event loop that it was first used on.
        transport = httpx.AsyncHTTPTransport(uds=self._socket)
        return httpx.AsyncClient(transport=transport, base_url=_BASE, timeout=_PATIENT)


def _ask_body(question: Question, corpus: str | None) -> dict[str, Any]:
    return {"question": question.model_dump(mode="json"), "corpus": corpus}


def _content(response: httpx.Response) -> Any:
    """The JSON of a response. Raises the GraftError it carries instead."""
    try:
        content = response.json()
    except ValueError as error:
        raise ServeError("the serving process gave no readable answer: restart graft up") from error
    if isinstance(content, dict) and isinstance(content.get("error"), dict):
        raise decode_error(content["error"])
    if response.is_error:
        raise ServeError("the serving process speaks another version: restart graft up")
    return content


def _silent(error: httpx.TransportError) -> ServeError:
    return ServeError(f"the process that serves this workspace does not answer ({type(error).__name__}): restart it")
