"""Asks a vLLM server every second whether it answers, and tells when that changes. Starts and stops no server.

Now and then it also asks how often prompts were found in the server's cache.
"""

import logging
import threading
import time
from collections.abc import Callable

import httpx

from serve.vllm_api import VllmApi

logger = logging.getLogger(__name__)
EVERY_SECONDS = 1.0
# A busy server may be late once; two silences in a row, or a refused connection, mean that it is down.
PATIENCE_SECONDS = 1.5
SILENCES = 2
COUNT_EVERY_SECONDS = 10.0


class HealthWatch:
    """Watches `api` from `start` to `stop`. Both functions are called from the watching thread.

    `on_change(up)` at changes only, `on_counts(asked, found)` with prompt tokens of the prefix cache.
    """

    def __init__(
        self, api: VllmApi, on_change: Callable[[bool], None], on_counts: Callable[[float, float], None]
    ) -> None:
        self._api, self._on_change, self._on_counts = api, on_change, on_counts
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vllm-health", daemon=True)

    def start(self) -> None:
        """Begin to watch; the server counts as up until it is found down."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(2 * PATIENCE_SECONDS)

    def _watch(self) -> None:
        up, silences, counted = True, 0, 0.0
        # One client for all questions: a new one each time would load certificates each time.
        with self._api.client(PATIENCE_SECONDS) as client:
            while not self._stopping.wait(EVERY_SECONDS):
                try:
                    silences = 0 if client.get("/health").is_success else SILENCES
                except httpx.TimeoutException:
                    silences += 1 if up else SILENCES
                except httpx.HTTPError:
                    silences = SILENCES
                if up and not silences and time.monotonic() - counted > COUNT_EVERY_SECONDS:
                    counted = time.monotonic()
                    counts = self._api.cache_counts()
                    if counts is None:
                        silences += 1
                    else:
                        self._on_counts(*counts)
                if up == (silences < SILENCES):
                    continue
                up = not up
                try:
                    self._on_change(up)
                except Exception:
                    logger.exception("a change of vLLM's health could not be told")
