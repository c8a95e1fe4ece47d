"""Two ways to do something in another thread without losing its errors or its pace. Knows nothing of documents."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Makes the items of an iterable in a thread of its own, ahead of their use: items of `limit` weight at most wait.

    `weigh` tells the weight of an item; one that is heavier than the limit waits alone. To be used in a `with` block,
    which ends the thread that `start` begins; only that touches the iterable. What it raises is raised where the item
    would have been.
    """

    def __init__(self, items: Iterable[T], limit: int, weigh: Callable[[T], int] = lambda item: 1) -> None:
        self._items, self._limit, self._weigh = items, limit, weigh
        self._ready: deque[tuple[T, int]] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._stopped = self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="ahead", daemon=True)

    def __enter__(self) -> "Ahead[T]":
        return self

    def start(self) -> None:
        """Begin to make items."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._ended)
                if not self._ready:
                    break
                item, weight = self._ready.popleft()
                self._waiting -= weight
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            for item in self._items:
                if not self._put(item, self._weigh(item)):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the items are used
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, item: T, weight: int) -> bool:
        """Have an item wait as soon as there is room. Whether it is still wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._ready or self._waiting + weight <= self._limit)
            if not self._stopped:
                self._ready.append((item, weight))
                self._waiting += weight
                self._changed.notify_all()
            return not self._stopped


class Jobs:
    """Runs jobs one after the other in a thread of its own; `submit` waits while `depth` are waiting.

    To be used in a `with` block, which waits for all. The first job that fails is raised by the next `submit` or at
    the end, and no other is run after it.
    """

    def __init__(self, name: str, depth: int) -> None:
        self._depth = depth
        self._waiting: deque[Future[None]] = deque()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._failed = False

    def __enter__(self) -> "Jobs":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def submit(self, job: Callable[..., None], *arguments: Any) -> None:
        """Have `job` done after those before it. Raises what an earlier one raised."""
        while len(self._waiting) >= self._depth or (self._waiting and self._waiting[0].done()):
            self._waiting.popleft().result()
        self._waiting.append(self._executor.submit(self._run, job, *arguments))

    def wait(self) -> None:
        """Wait until all jobs are done. Raises what one of them raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def _run(self, job: Callable[..., None], *arguments: Any) -> None:
        if self._failed:
            return
        try:
            job(*arguments)
        except BaseException:
            self._failed = True
            raise
