"""An HTTP client that costs next to nothing: prepared bytes out, pieces of the body in, over a connection kept open.

Where client, gateway and model share two cores, a usual client takes more time than the gateway that is measured.
Speaks as much HTTP/1.1 as uvicorn answers with. One `Line` carries one request at a time.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# The first event of a stream may name the speaker only.
_TEXT = re.compile(rb'"(?:content|text)": ?"[^"]')


@dataclass(frozen=True)
class Reply:
    """One answer. Seconds from the request's first byte: to the first piece with text, and to the end."""

    status: int
    body: bytes
    first: float
    seconds: float

    def json(self) -> Any:
        """The body of an answer in one piece."""
        return json.loads(self.body)


class Line:
    """One connection to `where`, a URL or the path of a Unix socket; opened with the first request."""

    def __init__(self, where: str | Path) -> None:
        self._where = where
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, body: dict[str, Any]) -> Reply:
        """Send `body` and read the answer to its end."""
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        request = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
        if self._reader is None or self._reader.at_eof():  # idle for 5 s: uvicorn has hung up
            self.close()
            await self._open()
        assert self._reader is not None
        assert self._writer is not None
        began, first = time.perf_counter(), None
        self._writer.write(request)
        status, headers = await self._head()
        pieces = []
        async for piece in _body(self._reader, headers):
            if first is None and _TEXT.search(piece):
                first = time.perf_counter() - began
            pieces.append(piece)
        seconds = time.perf_counter() - began
        if headers.get("connection") == "close":
            self.close()
        return Reply(status, b"".join(pieces), seconds if first is None else first, seconds)

    def close(self) -> None:
        """Hang up, also in the middle of an answer."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _open(self) -> None:
        if isinstance(self._where, Path):
            self._reader, self._writer = await asyncio.open_unix_connection(self._where)
        else:
            parts = urlsplit(self._where)
            self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)

    async def _head(self) -> tuple[int, dict[str, str]]:
        assert self._reader is not None
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split(" ")[1]), {name.lower(): value for name, value in pairs}


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    if headers.get("transfer-encoding") != "chunked":
        yield await reader.readexactly(int(headers.get("content-length", 0)))
        return
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
