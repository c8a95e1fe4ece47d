"""The index of a domain that is being served: what happens to questions while documents, embedder or disk change."""

import asyncio
import json

import pytest

from core.errors import IndexMismatchError, IngestError, MassDeletionError
from core.pack import load_pack
from core.service import PartStatus
from core.settings import load_settings
from core.workspace import Workspace
from graft.models import PreparedModels
from graft.service import LocalService
from tests.support.corpora import HashEmbedder, page, write_pages

pytestmark = pytest.mark.integration


@pytest.fixture
def pack(tmp_path):
    folder = tmp_path / "pack"
    write_pages(folder / "corpus")
    (folder / "domain.yaml").write_text("name: tiny\npersona: P\ncorpus: [corpus/]\n")
    return load_pack(str(folder), folder, folder)


@pytest.fixture
def serve(pack, tmp_path):
    """Makes a service of the pack, as a new process would, with a hash embedder."""

    def make(fingerprint="hash-1"):
        service = LocalService(load_settings({}, None), Workspace.open(tmp_path / "ws"), pack)
        service.engine.models = PreparedModels(tmp_path, "none", tmp_path)
        service.engine.use_embeddings(HashEmbedder(fingerprint))
        return service

    return make


def quiet(*_):
    """Progress that nobody looks at."""


def ingest(service, **options):
    return asyncio.run(service.ingest(quiet, **options))


def sources(service, question):
    return [passage.source for passage in asyncio.run(service.search(question, 3))]


def remove_most(pack):
    for n in range(5):
        (pack.root / "corpus" / "sub" / f"page{n}.md").unlink()


def test_what_is_ingested_is_found_at_once(serve, pack):
    service = serve()
    receipt = service.open_index(quiet)
    assert receipt["indexed"] == 6
    assert service.status().corpus.state == "ready"
    (pack.root / "corpus" / "new.md").write_text("# Quinces\n\nPrune quinces in February.\n")
    assert ingest(service)["indexed"] == 1
    assert sources(service, "prune quinces")[0] == "new.md"


def test_most_documents_gone_keeps_the_old_index_and_says_so(serve, pack):
    serve().open_index(quiet)
    remove_most(pack)
    service = serve()
    with pytest.raises(MassDeletionError):
        service.open_index(quiet)
    assert service.status().corpus.state == "failed"
    assert service.open_index(quiet, keep_serving=True) is None
    status = service.status().corpus
    assert status.state == "ready"
    assert "would remove 5 of 6 documents" in status.detail
    assert "sub/page0.md" in sources(service, "Text of page 0")
    with pytest.raises(MassDeletionError):
        ingest(service)
    assert ingest(service, allow_mass_deletion=True)["deleted"] == 5
    assert service.status().corpus.detail == ""
    assert set(sources(service, "Text of page 0")) == {"sub/page5.md"}


def test_without_an_old_index_a_failure_is_a_failure(serve, pack, tmp_path):
    service = serve()
    (tmp_path / "ws" / "corpora").mkdir(parents=True)
    (tmp_path / "ws" / "corpora" / "tiny").write_text("in the way")
    with pytest.raises(Exception, match="tiny"):
        service.open_index(quiet, keep_serving=True)
    assert service.status().corpus.state == "failed"


def test_another_embedder_fails_until_everything_is_embedded_again(serve):
    first = serve()
    first.open_index(quiet)
    second = serve("hash-2")
    with pytest.raises(IndexMismatchError, match="--reembed"):
        second.open_index(quiet, keep_serving=True)
    assert second.status().corpus.state == "failed"
    assert ingest(second, reembed=True)["embedded"] == 12
    assert second.status().corpus.state == "ready"
    assert "sub/page0.md" in sources(second, "Text of page 0")
    with pytest.raises(IndexMismatchError, match="another embedder"):
        sources(first, "Text of page 0")


def test_a_failed_build_does_not_disturb_who_asks(serve, pack, monkeypatch):
    from ingest import chroma

    service = serve()
    service.open_index(quiet)
    (pack.root / "corpus" / "sub" / "page0.md").write_text(page(0, "More words."))
    with monkeypatch.context() as patch:
        patch.setattr(chroma, "write_rows", lambda *_: iter(()))
        with pytest.raises(IngestError):
            ingest(service)
    assert "sub/page0.md" in sources(service, "Text of page 0")
    assert ingest(service)["skipped"] == 6


def test_a_corpus_of_another_format_is_no_trouble_for_the_others(serve, tmp_path):
    service = serve()
    service.open_index(quiet)
    old = tmp_path / "ws" / "corpora" / "old"
    old.mkdir()
    (old / "generation.json").write_text(json.dumps({"name": "000001", "format": 1}))
    assert [corpus.name for corpus in service.corpora()] == ["tiny"]


def test_an_index_is_rebuilt_and_repaired_under_a_running_service(serve, tmp_path):
    from ingest.repair import rebuild_index, repair_index

    service = serve()
    service.open_index(quiet)
    folder = tmp_path / "ws" / "corpora" / "tiny"
    assert "sub/page0.md" in sources(service, "Text of page 0")
    rebuild_index(folder)
    assert "sub/page0.md" in sources(service, "Text of page 0")
    (folder / "generations" / "000002" / "manifest.sqlite").write_bytes(b"damaged")
    repair_index(folder, HashEmbedder)
    assert "sub/page0.md" in sources(service, "Text of page 0")
    assert service.retriever("tiny").generation.name == "000003"


def test_domains_on_one_engine_open_a_corpus_once_and_write_in_turn(serve, tmp_path):
    tiny = serve()
    tiny.open_index(quiet)
    folder = tmp_path / "other"
    write_pages(folder / "corpus")
    (folder / "domain.yaml").write_text("name: other\npersona: P\ncorpus: [corpus/]\n")
    other = LocalService(tiny.settings, tiny.workspace, load_pack(str(folder), folder, folder), engine=tiny.engine)
    other.open_index(quiet)
    assert [info.name for info in other.corpora()] == ["other", "tiny"]
    assert [info.name for info in tiny.corpora()] == ["tiny", "other"]
    assert other.retriever("tiny") is tiny.retriever("tiny")
    assert len(other.retriever("other+tiny").indexes) == 2
    assert (tiny.status().domain, other.status().domain) == ("tiny", "other")
    tiny.engine.state = PartStatus(state="failed", detail="no memory")
    assert [one.status().model.detail for one in (tiny, other)] == ["no memory"] * 2
    other.close()
    assert asyncio.run(tiny.search("quince", 1))  # what is shared stays open
