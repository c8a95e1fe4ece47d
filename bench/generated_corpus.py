"""A corpus of generated text, and vectors without a model: large indexes for measuring time, not quality.

Words follow Zipf's law, with English function words at its head and identifiers among the rest, so that the lexical
index has posting lists as long as those of real text. Vectors lie in clusters, so that a graph of neighbours is as
uneven as that of real text.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

_WORDS = 30_000
_CLUSTERS = 200
_CHUNKS_IN_FILE = 200
_HEAD = """
the of and to in a is that for it as with be by on are this from at or an which you not can if has will was one when
all there also other more its may then than no into only these any use used using must each how where what
"""
_CONSONANTS = [*"bdfghklmnprstvwz", "st", "tr", "pl"]
_VOWELS = [*"aeiou", "ai", "or", "en"]
_SYLLABLES = [consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS]


class Words:
    """A vocabulary with the share that each word has in running text."""

    def __init__(self, seed: int = 5) -> None:
        draw = random.Random(seed)
        found = dict.fromkeys(re.findall(r"\S+", _HEAD))
        while len(found) < _WORDS:
            word = "".join(draw.choice(_SYLLABLES) for _ in range(draw.choice((2, 2, 3, 3, 4))))
            kind = draw.random()
            word = word.upper() + "_" + draw.choice(_SYLLABLES).upper() if kind < 0.02 else word
            found[f"{word}.E{draw.randrange(999):03}" if kind > 0.99 else word] = None
        self.words = list(found)
        shares = 1 / np.arange(1, _WORDS + 1)
        self._edges = np.cumsum(shares / shares.sum())
        self._draw = np.random.default_rng(seed)

    def text(self, count: int) -> list[str]:
        """So many words of running text."""
        places = np.searchsorted(self._edges, self._draw.random(count))
        return [self.words[min(place, _WORDS - 1)] for place in places]


def write_corpus(folder: Path, chunks: int, words_in_chunk: int = 90) -> None:
    """Markdown files that are cut into about so many chunks: one section, one paragraph each."""
    words = Words()
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(-(-chunks // _CHUNKS_IN_FILE)):
        sections = []
        for _ in range(min(_CHUNKS_IN_FILE, chunks - number * _CHUNKS_IN_FILE)):
            heading = " ".join(words.text(3)).capitalize()
            sections.append(f"## {heading}\n\n{' '.join(words.text(words_in_chunk)).capitalize()}.\n")
        (folder / f"part-{number:05}.md").write_text("\n".join([f"# Part {number}\n", *sections]), encoding="utf-8")


def questions(folder: Path, count: int, seed: int = 3) -> list[str]:
    """Questions out of the words of random paragraphs: what people ask holds common words and rare ones."""
    draw = random.Random(seed)
    files = sorted(folder.glob("*.md"))
    frames = ("What does {} mean?", "How do I {}?", "{}", "Which {} is needed for this, and where do I find it?")
    found = []
    while len(found) < count:
        lines = [line for line in draw.choice(files).read_text(encoding="utf-8").splitlines() if len(line) > 200]
        chosen = draw.sample(draw.choice(lines).rstrip(".").split(), draw.randint(4, 12))
        found.append(draw.choice(frames).format(" ".join(chosen)))
    return found


class GeneratedVectors(Embeddings):
    """Documents get vectors from the hash of their text; questions are embedded by the real embedder."""

    def __init__(self, real: Embeddings, dimension: int) -> None:
        self._real, self._dimension = real, dimension
        self.fingerprint = f"generated-{dimension}"
        self._centres = np.random.default_rng(1).standard_normal((_CLUSTERS, dimension)).astype(np.float32)

    def count_many(self, texts: list[str]) -> list[int]:
        """Words: nothing of the model is needed for cutting."""
        return [text.count(" ") + 1 for text in texts]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Clustered vectors of length 1."""
        return list(self._vectors(texts))

    def _vectors(self, texts: list[str]) -> Iterator[list[float]]:
        for text in texts:
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
            draw = np.random.default_rng(seed)
            vector = self._centres[seed % _CLUSTERS] + 1.5 * draw.standard_normal(self._dimension, dtype=np.float32)
            yield (vector / np.linalg.norm(vector)).tolist()

    def embed_query(self, text: str) -> list[float]:
        """As in service."""
        return self._real.embed_query(text)
