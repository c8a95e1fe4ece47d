"""An index whose vectors are on a Chroma server: built, searched, verified there; servers killed and shared."""

import shutil

import pytest

from core.errors import IngestError
from core.index import CorpusFiles
from core.settings import RetrieveSettings
from ingest import chroma
from ingest.repair import repair_index, verify_index
from tests.support.chroma_server import ChromaServer
from tests.support.corpora import HashEmbedder, chunks_of, corpus_dir, ingest, page, served, sources_of, write_pages

pytestmark = pytest.mark.integration


@pytest.fixture
def corpus(tmp_path):
    return write_pages(tmp_path / "corpus")


@pytest.fixture
def server(tmp_path):
    with ChromaServer(tmp_path / "server") as running:
        yield running


def change(corpus, words):
    (corpus / "sub" / "page0.md").write_text(page(0, words))


def problems(root):
    return [(p.part, p.remedy) for p in verify_index(corpus_dir(root)).problems("d")]


def test_a_server_holds_what_the_manifest_holds_and_is_searched(corpus, tmp_path, server):
    from retriever.hybrid import open_retriever

    ingest(corpus, tmp_path, chroma_url=server.url)
    assert len(chunks_of(tmp_path)) == 12
    assert not CorpusFiles(corpus_dir(tmp_path)).chroma("000001").exists()
    retriever = open_retriever(corpus_dir(tmp_path), HashEmbedder(), RetrieveSettings(chroma_url=server.url))
    assert retriever.invoke("Text of page 3")[0].metadata["source"] == "sub/page3.md"
    change(corpus, "Entirely new words about quinces.")
    assert ingest(corpus, tmp_path, chroma_url=server.url).updated == 1
    assert retriever.invoke("words about quinces")[0].metadata["source"] == "sub/page0.md"
    retriever.close()
    assert problems(tmp_path) == []


def test_old_collections_go_with_the_build_after_next(corpus, tmp_path, server):
    names = []
    for words in ("one", "two", "three"):
        change(corpus, words)
        ingest(corpus, tmp_path, chroma_url=server.url)
        names.append(served(tmp_path).collection)
    assert server.collections() == names[1:]


def test_a_server_that_is_down_is_named_and_nothing_is_lost(corpus, tmp_path, server):
    server.kill()
    with pytest.raises(IngestError, match=rf"Chroma server at {server.url} .* start it \(chroma run\)"):
        ingest(corpus, tmp_path, chroma_url=server.url)
    server.start()
    report = ingest(corpus, tmp_path, chroma_url=server.url)
    assert (report.skipped, report.embedded) == (6, 0)  # acknowledged while the server was down
    assert len(chunks_of(tmp_path)) == 12
    server.kill()
    with pytest.raises(IngestError, match="start it"):
        ingest(corpus, tmp_path, chroma_url=server.url)
    assert problems(tmp_path)[0][0] == "chroma"


@pytest.mark.parametrize("moment", ["generation started", "snapshot written", "chroma filled"])
def test_a_server_that_is_killed_while_it_is_filled(corpus, tmp_path, server, moment):
    ingest(corpus, tmp_path, chroma_url=server.url)
    before = served(tmp_path)
    change(corpus, "More words.")
    with pytest.raises(IngestError, match="start it"):
        ingest(
            corpus,
            tmp_path,
            chroma_url=server.url,
            on_step=lambda step, detail: server.kill() if step == moment else None,
        )
    assert served(tmp_path) == before
    server.start()
    report = ingest(corpus, tmp_path, chroma_url=server.url)
    assert (report.skipped, report.embedded) == (6, 0)
    assert served(tmp_path).name > before.name
    assert len(chunks_of(tmp_path)) == 12
    assert problems(tmp_path) == []
    assert server.collections() == sorted([before.collection, served(tmp_path).collection])


def test_a_server_that_lost_everything_is_filled_again_without_embedding(corpus, tmp_path, server):
    ingest(corpus, tmp_path, chroma_url=server.url)
    before = chunks_of(tmp_path)
    server.kill()
    shutil.rmtree(tmp_path / "server")
    server.start()
    assert problems(tmp_path) == [("generation", "graft index repair --domain d")]
    report = ingest(corpus, tmp_path, chroma_url=server.url)
    assert (report.skipped, report.embedded) == (6, 0)
    assert chunks_of(tmp_path) == before


def test_damage_on_the_server_is_repaired(corpus, tmp_path, server):
    ingest(corpus, tmp_path, chroma_url=server.url)
    before = chunks_of(tmp_path)
    client = chroma.open_chroma(tmp_path, server.url)
    collection = chroma.open_collection(client, served(tmp_path).collection)
    first = collection.get(limit=1, include=[])["ids"]
    collection.update(ids=first, embeddings=[[1.0] + [0.0] * 31])
    client.close()
    assert problems(tmp_path) == [("chroma", "graft index repair --domain d")]
    repair_index(corpus_dir(tmp_path), HashEmbedder, chroma_url=server.url)
    assert problems(tmp_path) == []
    assert chunks_of(tmp_path) == before


def test_corpora_and_workspaces_share_a_server(corpus, tmp_path, server):
    ingest(corpus, tmp_path, chroma_url=server.url)
    other = write_pages(tmp_path / "other", 4)
    roots = [tmp_path / name for name in ("one", "two")]
    for root in roots:
        ingest(other, root, chroma_url=server.url)
    shutil.copytree(tmp_path / "corpora", tmp_path / "copied" / "corpora")
    change(other, "More words.")
    change(corpus, "More words.")
    for root in (*roots, tmp_path / "copied"):
        folder = corpus if root.name == "copied" else other
        for words in ("one", "two"):
            change(folder, words)
            ingest(folder, root, chroma_url=server.url)
    assert len(chunks_of(tmp_path)) == 12
    assert len(chunks_of(tmp_path / "copied")) == 12
    for root in roots:
        assert len(sources_of(root)) == 4
    assert len({served(root).collection for root in (tmp_path, tmp_path / "copied", *roots)}) == 4


def test_from_embedded_to_a_server_and_back(corpus, tmp_path, server):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    embedder = HashEmbedder()
    ingest(corpus, tmp_path, embedder, chroma_url=server.url)
    assert (served(tmp_path).chroma_url, chunks_of(tmp_path)) == (server.url, before)
    ingest(corpus, tmp_path, embedder)
    assert (served(tmp_path).chroma_url, chunks_of(tmp_path)) == (None, before)
    assert embedder.embedded == 0
    assert server.collections() == []
