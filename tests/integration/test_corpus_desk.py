"""Documents through the page, on the real index: added, found, explained, rejected, deleted, verified, rebuilt."""

import asyncio

import pytest

from core.errors import MassDeletionError, RequestError
from core.pack import load_pack
from core.settings import load_settings
from core.workspace import Workspace
from graft.corpus_desk import LocalCorpusDesk, safe_name
from graft.models import PreparedModels
from graft.service import LocalService
from tests.support.corpora import HashEmbedder, write_pages

pytestmark = pytest.mark.integration


def quiet(*_):
    """Progress that nobody looks at."""


@pytest.fixture
def service(tmp_path):
    folder = tmp_path / "pack"
    write_pages(folder / "corpus")
    (folder / "domain.yaml").write_text("name: tiny\npersona: P\ncorpus: [corpus/]\n")
    service = LocalService(
        load_settings({}, None), Workspace.open(tmp_path / "ws"), load_pack(str(folder), folder, folder)
    )
    service.engine.models = PreparedModels(tmp_path, "none", tmp_path)
    service.engine.use_embeddings(HashEmbedder("hash-1"))
    service.open_index(quiet)
    return service


@pytest.fixture
def desk(service):
    return LocalCorpusDesk(service)


def add(desk, tmp_path, **files):
    paths = []
    for name, content in files.items():
        path = tmp_path / "incoming" / name.replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        paths.append((path.name, path))
    return desk.add(paths)


def test_added_files_are_found_or_rejected_with_a_reason(desk, service, tmp_path):
    before = desk.documents("", None, 0, 100)
    sources = add(desk, tmp_path, quinces_md=b"# Quinces\n\nPrune quinces in February.\n", photo_png=b"\x89PNG\r\n")
    assert sources == ["uploads/quinces.md", "uploads/photo.png"]
    assert [state.state for state in desk.states(sources)] == ["waiting", "waiting"]
    told = []
    asyncio.run(desk.sync(lambda stage, share: told.append(stage)))
    assert told
    good, bad = desk.states(sources)
    assert good.state == "indexed"
    assert bad.state == "rejected"
    assert "no text" in bad.reason
    after = desk.documents("", None, 0, 100)
    assert (after.indexed, after.rejected) == (before.indexed + 1, before.rejected + 1)
    assert [row.source for row in after.rows if row.uploaded] == ["uploads/photo.png", "uploads/quinces.md"]
    assert asyncio.run(service.search("prune quinces", 1))[0].source == "uploads/quinces.md"
    chunks, count = desk.chunks("uploads/quinces.md", 0, 10)
    assert count == len(chunks) == 1
    assert "Prune quinces" in chunks[0].text


def test_a_file_of_the_same_name_is_replaced(desk, service, tmp_path):
    sources = add(desk, tmp_path, quinces_md=b"# Quinces\n\nPrune quinces in February.\n")
    asyncio.run(desk.sync(quiet))
    add(desk, tmp_path, quinces_md=b"# Quinces\n\nPrune quinces in March instead.\n")
    assert desk.states(sources)[0].state == "waiting"
    asyncio.run(desk.sync(quiet))
    assert desk.states(sources)[0].state == "indexed"
    assert "March" in desk.chunks(sources[0], 0, 10)[0][0].text


def test_only_uploaded_documents_can_be_deleted(desk, service, tmp_path):
    (source,) = add(desk, tmp_path, quinces_md=b"# Quinces\n\nPrune quinces in February.\n")
    asyncio.run(desk.sync(quiet))
    own = next(row.source for row in desk.documents("", None, 0, 100).rows if not row.uploaded)
    for foreign in (own, "uploads/../../../pack/domain.yaml", "uploads/none.md", "uploads/"):
        with pytest.raises(RequestError, match="did not come through this page"):
            asyncio.run(desk.delete(foreign, quiet))
    asyncio.run(desk.delete(source, quiet))
    assert desk.chunks(source, 0, 10) == ([], 0)
    assert not any(row.uploaded for row in desk.documents("", None, 0, 100).rows)
    assert list((service.workspace.root / "run").glob("upload-*")) == []


def test_a_deletion_that_cannot_be_synced_leaves_the_file(desk, service, tmp_path):
    (source,) = add(desk, tmp_path, quinces_md=b"# Quinces\n\nPrune quinces in February.\n")
    asyncio.run(desk.sync(quiet))
    for path in (service.pack.root / "corpus").rglob("*.md"):
        path.unlink()
    with pytest.raises(MassDeletionError):
        asyncio.run(desk.delete(source, quiet))
    assert desk.states([source])[0].state == "indexed"


def test_a_search_is_explained_by_its_parts(desk, service, tmp_path):
    add(desk, tmp_path, quinces_md=b"# Quinces\n\nPrune quinces in February.\n")
    asyncio.run(desk.sync(quiet))
    hits = asyncio.run(desk.explain("prune quinces", 5))
    assert hits[0].source == "uploads/quinces.md"
    assert hits[0].words_rank == 1
    assert hits[0].line > 0
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    # The same chunks as a search finds, in the same order.
    found = service.retriever("tiny").search("prune quinces", 5)
    assert hits[0].score == pytest.approx(found[0].metadata["score"])


def test_the_index_is_verified_and_rebuilt(desk, service):
    assert asyncio.run(desk.verify(quiet)) == []
    assert "chunks of" in asyncio.run(desk.rebuild(quiet))
    assert asyncio.run(desk.verify(quiet)) == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\docs\\a b.md", "a b.md"),
        (".hidden.md", "hidden.md"),
        ("a\x00\u202eb.md", "ab.md"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_names_become_plain(name, safe):
    assert safe_name(name) == safe


def test_a_file_without_a_name_is_refused():
    with pytest.raises(RequestError, match="without a name"):
        safe_name("../..")
