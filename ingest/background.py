"""Two ways to do something in another thread without losing its errors or its pace. Knows nothing of documents."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_END = object()


class Ahead(Generic[T]):
    """Makes the items of an iterable in a thread of its own, at most `depth` before they are used.

    To be used in a `with` block, which ends the thread that `start` begins; only that touches the iterable. What it
    raises is raised where the item would have been.
    """

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._items = items
        self._ready: queue.Queue[Any] = queue.Queue(depth)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ahead", daemon=True)

    def __enter__(self) -> "Ahead[T]":
        return self

    def start(self) -> None:
        """Begin to make items."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            while not self._ready.empty():
                self._ready.get_nowait()
            self._thread.join(0.02)

    def __iter__(self) -> Iterator[T]:
        while (item := self._ready.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item

    def _work(self) -> None:
        try:
            for item in self._items:
                self._ready.put(item)
                if self._stopped.is_set():
                    return
            self._ready.put(_END)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are used
            self._ready.put(_Failure(error))


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


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
