"""Pictures of PDF pages, drawn in a process that is shut in as parsers are. Implements core.page_pictures.

The process starts with the first page, serves all that follow, and ends after a while without any.
"""

import asyncio
import base64
import hashlib
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import IngestError, RequestError
from core.page_pictures import Box, PagePicture
from ingest.process import Limits, ParserDied, ParsingProcess

_SECONDS = 60.0
_MEMORY = 1 << 30
_IDLE_SECONDS = 300.0
_KEPT = 24


class SandboxedPages:
    """Draws one page at a time, of files of at most `max_bytes`; the last ones drawn are kept. For any thread."""

    def __init__(self, max_bytes: int) -> None:
        self._limits = Limits(max_bytes, _SECONDS, _MEMORY)
        self._lock = threading.Lock()
        self._process: ParsingProcess | None = None
        self._scratch: Path | None = None
        self._timer: threading.Timer | None = None
        self._drawn: OrderedDict[tuple[Any, ...], PagePicture] = OrderedDict()

    async def draw(self, content: bytes, page: int, words: Sequence[str]) -> PagePicture:
        """A page with the places of `words`."""
        return await asyncio.to_thread(self._draw, content, page, tuple(words))

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _draw(self, content: bytes, page: int, words: tuple[str, ...]) -> PagePicture:
        key = (hashlib.sha256(content).hexdigest(), page, words)
        with self._lock:
            if key in self._drawn:
                self._drawn.move_to_end(key)
                return self._drawn[key]
            try:
                reply = self._ask(content, {"page": page, "words": list(words)})
            except (ParserDied, IngestError) as error:
                self._stop()
                raise RequestError(f"this page cannot be drawn: the file {error}") from error
            if "error" in reply:
                raise RequestError(f"this page cannot be drawn: the file {reply['error']}")
            names = ("left", "top", "width", "height")
            boxes = tuple(Box(**dict(zip(names, box, strict=True))) for box in reply.pop("boxes"))
            found = PagePicture(**{**reply, "png": base64.b64decode(reply["png"]), "boxes": boxes})
            self._drawn[key] = found
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
            return found

    def _ask(self, content: bytes, wanted: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="graft-pages-"))
            self._process = ParsingProcess(self._scratch, self._limits)
        self._wait_for_more()
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            return self._process.draw(wanted, file.fileno())

    def _wait_for_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(_IDLE_SECONDS, self.close)
        self._timer.daemon = True
        self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._process is not None:
            self._process.stop()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        self._process = self._scratch = self._timer = None
