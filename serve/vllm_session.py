"""HTTP sessions with one vLLM server for asyncio: one for each event loop, closed with it. Knows no request.

aiohttp reads a stream of small events at a fifth of httpx's cost; the synchronous requests of vllm_api.py are few.
"""

import asyncio
import weakref
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp

# uvicorn, in vLLM, hangs up after 5 idle seconds: a connection must not be reused at that very moment.
_IDLE_SECONDS = 2.0
_CONNECT_SECONDS = 10.0


class VllmSessions:
    """Sessions for the server at `socket`, or for any URL without one. `seconds`: longest silence in an answer."""

    def __init__(self, socket: Path | None, seconds: float) -> None:
        self._socket, self._seconds = socket, seconds
        self._open: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[aiohttp.ClientSession]]
        self._open = weakref.WeakKeyDictionary()
        self._sessions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession]
        self._sessions = weakref.WeakKeyDictionary()

    async def session(self) -> aiohttp.ClientSession:
        """The session of the running event loop."""
        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is None:
            # A loop that ends closes the asynchronous generators that were begun in it, and so the session.
            self._open[loop] = keeper = self._keep_open()
            found = self._sessions[loop] = await anext(keeper)
        return found

    async def _keep_open(self) -> AsyncGenerator[aiohttp.ClientSession]:
        connector = (
            aiohttp.UnixConnector(str(self._socket), limit=0, keepalive_timeout=_IDLE_SECONDS)
            if self._socket
            else aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS)
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=self._seconds)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield session
