"""From misses to where a teacher is asked: the missed documents only, the nearest headings first."""

from core.types import Evidence, Example
from finetune.corpus_text import ChunkText
from graft.collect import NearText, wanted_from


class Corpus:
    """Chunks of three documents, as CorpusText gives them."""

    CHUNKS = (
        ChunkText("1", "a.md", "Pruning > Quince", "Prune quince in May."),
        ChunkText("2", "a.md", "Feeding > Quince", "Feed quince in June."),
        ChunkText("3", "a.md", "Pruning > Sage", "Prune sage in July."),
        ChunkText("4", "b.md", "Shop", "Open on Monday."),
        ChunkText("5", "c.md", "Pruning > Quince", "Elsewhere."),
    )
    sources = ("a.md", "b.md", "c.md")

    def holders(self, source, quote):
        return [chunk for chunk in self.CHUNKS if chunk.source == source and quote in chunk.text]

    def count(self, source, quote):
        return len(self.holders(source, quote))

    def chunks(self, seed):
        return iter(self.CHUNKS)


class Pack:
    formats = ("text", "json")


def missed(source, quote, format="text"):
    answer = "A." if format == "text" else {"a": 1}
    evidence = (Evidence(source=source, quote=quote),) if source else ()
    return Example(id="x", question="Q?", answer=answer, format=format, evidence=evidence)


def test_only_missed_documents_are_asked_about_and_the_nearest_headings_first():
    rows = [missed("a.md", "Prune quince"), missed("a.md", "Prune quince", "json"), missed("a.md", "Prune quince")]
    wanted = wanted_from(rows, Corpus(), Pack())
    assert wanted.headings == {"a.md": {"Pruning > Quince"}}
    assert wanted.formats == ("text", "json")
    near = NearText(Corpus(), wanted)
    assert [chunk.id for chunk in near.chunks(1)] == ["1", "3", "2"]
    assert near.sources == ["a.md"]
    assert near.count("a.md", "Feed quince") == 1
    assert near.holders("b.md", "Open")[0].id == "4"


def test_misses_without_evidence_name_no_document():
    assert wanted_from([missed(None, None)], Corpus(), Pack()).headings == {}
