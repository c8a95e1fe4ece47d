"""The fast way to embed on a CPU: BERT encoders in eight-bit integers, one text pack per thread.

Prepared when it is opened: weights become codes, scaled so that channels with large numbers do not drown the others,
and the vectors of a few sentences are compared with those in float32. A model that loses too much, or that is not a
plain BERT, is Unfit. Needs neither PyTorch nor Transformers. Knows no prompt and no LangChain.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from retriever.float_bert import FloatBert, Unfit
from retriever.model_folder import ModelFolder
from retriever.tokens import open_tokenizer

LEAST_COSINE = 0.999  # to float32, on average over the sentences below
_PACK = 256  # tokens per call: enough rows for the products, few enough that threads end together
_MOST_THREADS = 32
_SENTENCES = (
    "The harvest festival begins at noon, when the mayor opens the gates of the old market hall to the visitors.",
    "How do I reset the password of an account whose owner has left the company?",
    "Error 0x80070005: access is denied. Run the installer as administrator, or ask whoever manages this machine.",
    "def area(radius: float) -> float:\n    return 3.14159 * radius ** 2  # in square metres",
    "Settings > Network > Proxy\nThe default is an empty list, which means that requests go straight to the server.",
    "| Model | Weight | Range |\n| A-200 | 12.5 kg | 40 km |\n| B-400 | 17 kg | 65 km |",
    "Die Lieferung verzögert sich wegen des Streiks um voraussichtlich drei bis vier Werktage.",
    "SELECT city, AVG(price) FROM sales WHERE year >= 2021 GROUP BY city ORDER BY 2 DESC;",
    "Water expands by about nine per cent when it freezes; this is why pipes burst in winter, and why ice floats.",
    "No.",
    "She closed the book, looked out at the rain for a long while, and decided that the letter could wait.",
    "contrib.admin.ModelAdmin.list_display -- names of fields shown as columns; see also list_filter, search_fields",
)


class FastBert:
    """An encoder ready to embed. `embed` may be called from several threads."""

    def __init__(self, folder: ModelFolder) -> None:
        """Read and prepare the weights, about half a second. Raises Unfit."""
        _check_processor()
        plain = FloatBert(folder)
        from retriever.fast_bert_kernels import encode
        from retriever.fast_bert_layout import PADDING, make_scratch

        self._folder = folder
        self._tokenizer = open_tokenizer(folder, truncated=True)
        self._dimension, self._padding = plain.hidden, PADDING
        self._room = max(_PACK, self._padded(folder.max_tokens))
        self._encode, self._options = encode, (np.float32(plain.eps), plain.head_size, plain.first_token)
        self._make_scratch = partial(make_scratch, plain.hidden, plain.inner, self._room)
        self._idle: deque[Any] = deque()
        self._threads = min(available_cores(), _MOST_THREADS)
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._prepare(plain)

    def _prepare(self, plain: FloatBert) -> None:
        """Quantise the weights and see what that costs. Raises Unfit."""
        from retriever.fast_bert_weights import quantise

        texts = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(_SENTENCES))]
        peaks = np.zeros((2 * plain.layers + 1, plain.hidden), np.float32)

        def observe(norm: int, output: np.ndarray) -> None:
            np.maximum(peaks[norm], np.abs(output).max(axis=0), out=peaks[norm])

        exact = plain.vectors(texts, observe)
        self._weights = quantise(plain, peaks)
        cosine = float((self._run(texts) * exact).sum(axis=1).mean())
        if not cosine >= LEAST_COSINE:
            raise Unfit(f"in eight bits its vectors have a cosine of {cosine:.4f} to those in float32")

    def embed(self, texts: Sequence[str], *, query: bool) -> np.ndarray:
        """Vectors of length 1, float32 [texts, H], with the prompt of questions or of passages."""
        prompt = self._folder.query_prompt if query else self._folder.document_prompt
        found = self._tokenizer.encode_batch_fast([prompt + text for text in texts])
        return self._run([encoding.ids for encoding in found])

    def _run(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        result = np.empty((len(texts), self._dimension), np.float32)
        packs = list(self._packs(texts))
        if len(packs) == 1:
            self._run_pack(texts, packs[0], result)
        else:
            for _ in self._workers().map(lambda pack: self._run_pack(texts, pack, result), packs):
                pass
        return result

    def _run_pack(self, texts: Sequence[Sequence[int]], pack: slice, result: np.ndarray) -> None:
        lengths = [len(ids) for ids in texts[pack]]
        starts = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        ids = np.fromiter((token for ids in texts[pack] for token in ids), np.int32, starts[-1])
        try:
            scratch = self._idle.pop()
        except IndexError:
            scratch = self._make_scratch()
        self._encode(ids, starts, self._weights, *self._options, scratch, result[pack])
        self._idle.append(scratch)

    def _packs(self, texts: Sequence[Sequence[int]]) -> Iterator[slice]:
        """Neighbours, as many as fit; a few texts are shared out so that every thread has some."""
        sizes = [self._padded(len(ids)) for ids in texts]
        room = min(self._room, max(_PACK // 2, -(-sum(sizes) // self._threads)))
        start = used = 0
        for index, size in enumerate(sizes):
            if index > start and used + size > room:
                yield slice(start, index)
                start, used = index, 0
            used += size
        if start < len(texts):
            yield slice(start, len(texts))

    def _padded(self, tokens: int) -> int:
        return -(-tokens // self._padding) * self._padding

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, "embed")
            return self._pool


def available_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _check_processor() -> None:
    """Raises Unfit where the encoder cannot be compiled for this processor."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        raise Unfit("NUMBA_DISABLE_JIT is set")
    try:
        from retriever.fast_bert_simd import supported
    except ImportError as error:
        raise Unfit(str(error)) from error
    if not supported():
        raise Unfit("this processor has neither AVX2 nor AVX-512")
