"""From misses to examples: a teacher is asked about text near the missed evidence, never about what the test set asks.

No test question, quote or answer is used: a miss only says in which documents, under which headings and in which
formats examples are wanting. What the teacher writes is verified and reviewed like any other candidate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.pack import DomainPack
from core.types import Example, Format
from finetune.corpus_text import ChunkText, CorpusText

# Where the progress of collecting stands, below the labs of a domain, and what it is told about.
COLLECT, STAGE = "collect", "asked"


def collect_arguments(
    domain: str, run: str, arm: str, kinds: Sequence[str], count: int, *, trust: bool = False
) -> list[str]:
    """The arguments after `graft` that turn misses of a run into candidates."""
    arguments = ["lab", "collect", "--domain", domain, "--run", run, "--arm", arm, "--count", str(count)]
    for kind in kinds:
        arguments += ["--class", kind]
    return [*arguments, *(["--trust"] if trust else [])]


@dataclass(frozen=True)
class Wanted:
    """Where examples are wanting: headings by document, and formats, most missed first."""

    headings: dict[str, set[str]]
    formats: tuple[Format, ...]


def wanted_from(missed: Sequence[Example], corpus: CorpusText, pack: DomainPack) -> Wanted:
    """What missed test examples say about where to ask."""
    headings: dict[str, set[str]] = {}
    for example in missed:
        for evidence in example.evidence:
            found = headings.setdefault(evidence.source, set())
            found |= {chunk.locator for chunk in corpus.holders(evidence.source, evidence.quote)}
    counts: dict[Format, int] = {}
    for example in missed:
        if example.format in pack.formats:
            counts[example.format] = counts.get(example.format, 0) + 1
    return Wanted(headings, tuple(sorted(counts, key=lambda name: -counts[name])))


class NearText(CorpusText):
    """A corpus whose chunks come from the wanted documents only, those near the wanted headings first."""

    def __init__(self, whole: CorpusText, wanted: Wanted) -> None:
        self._whole, self._wanted = whole, wanted

    @property
    def sources(self) -> list[str]:
        """Documents that are asked about."""
        return [source for source in self._whole.sources if source in self._wanted.headings]

    def count(self, source: str, quote: str) -> int:
        """How often `quote` stands in a document of the whole corpus."""
        return self._whole.count(source, quote)

    def holders(self, source: str, quote: str) -> list[ChunkText]:
        """The chunks of a document that hold `quote`."""
        return self._whole.holders(source, quote)

    def chunks(self, seed: int) -> Iterator[ChunkText]:
        """Chunks of the wanted documents, nearest headings first, in an order drawn by `seed` among equals."""
        near = [chunk for chunk in self._whole.chunks(seed) if chunk.source in self._wanted.headings]
        yield from sorted(near, key=lambda chunk: -self._nearness(chunk))

    def _nearness(self, chunk: ChunkText) -> int:
        """How many headings, from the outermost, a chunk shares with missed evidence of its document."""
        own = chunk.locator.split(" > ")
        return max((_shared(own, other.split(" > ")) for other in self._wanted.headings[chunk.source]), default=0)


def _shared(left: list[str], right: list[str]) -> int:
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count
