"""Files of a conversation, on the real index: read, searched beside the domain, for their user alone, until deleted."""

import asyncio

import pytest

from core.arms import parse_arm
from core.chat import Done, Question
from core.chat_files import OWN_FILES
from core.conversations import ConversationStore
from core.errors import RequestError
from core.pack import load_pack
from core.settings import load_settings
from core.user_database import UserDatabase
from core.workspace import Workspace
from graft.chat_files import LocalChatFiles
from graft.models import PreparedModels
from graft.service import LocalService
from tests.support.corpora import HashEmbedder, write_pages

pytestmark = pytest.mark.integration
MEDLAR = b"# Medlar\n\nPrune the medlar in November, once its leaves are down.\n"


def quiet(*_):
    """Progress that nobody looks at."""


def new_service(root, **serve):
    """A service of a small domain in the workspace below `root`, as after a start."""
    folder = root / "pack"
    if not folder.exists():
        write_pages(folder / "corpus")
        (folder / "domain.yaml").write_text("name: tiny\npersona: P\ncorpus: [corpus/]\n")
    flags = {f"serve.{name}": value for name, value in serve.items()}
    service = LocalService(
        load_settings(flags, None), Workspace.open(root / "ws"), load_pack(str(folder), folder, folder)
    )
    service.engine.models = PreparedModels(root, "none", root)
    service.engine.use_embeddings(HashEmbedder("hash-1"))
    service.open_index(quiet)
    return service


def new_files(root, **serve):
    service = new_service(root, **serve)
    return LocalChatFiles(service, ConversationStore(UserDatabase(service.workspace.users), "tiny"))


@pytest.fixture
def files(tmp_path):
    return new_files(tmp_path)


def add(files, tmp_path, user, conversation, **contents):
    """Add files whose names have an underscore for the dot, and read them."""
    given = []
    for name, content in contents.items():
        path = tmp_path / "incoming" / name.replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        given.append((path.name, path))
    taken, refused = files.add(user, conversation, given)
    asyncio.run(files.read(user, conversation, quiet))
    return taken, refused


def found(files, user, conversation, corpus=None):
    """Corpus and source of the passages that a question finds; no model runs here, so they are the answer."""
    question = Question(text="When is the medlar pruned?", arm=parse_arm("rag"), or_passages=True)

    async def ask():
        return [event async for event in files.stream(user, conversation, question, corpus)]

    done = asyncio.run(ask())[-1]
    assert isinstance(done, Done)
    assert [passage.source for passage in done.answer.passages] == [cited.source for cited in done.answer.citations]
    return [(passage.corpus, passage.source) for passage in done.answer.passages]


@pytest.fixture(autouse=True)
def word_counter(monkeypatch):
    """Tokens are words here: there is no language model."""
    monkeypatch.setattr("graft.build.token_counter", lambda llm: lambda text: len(text.split()))


def test_files_are_searched_beside_the_domain_in_their_own_conversation_only(files, tmp_path):
    mine, other = files._conversations.create("ann", []), files._conversations.create("ann", [])
    taken, refused = add(files, tmp_path, "ann", mine, medlar_md=MEDLAR)
    assert (taken, refused) == (["medlar.md"], [])
    assert [(file.source, file.state) for file in files.files("ann", mine)] == [("medlar.md", "indexed")]
    passages = found(files, "ann", mine)
    assert passages[0] == (OWN_FILES, "medlar.md")
    assert {corpus for corpus, _ in passages} == {OWN_FILES, "tiny"}
    assert OWN_FILES not in {corpus for corpus, _ in found(files, "ann", other)}
    assert files.document("ann", mine, "medlar.md").content() == MEDLAR


def test_nobody_else_reaches_them(files, tmp_path):
    mine = files._conversations.create("ann", [])
    add(files, tmp_path, "ann", mine, medlar_md=MEDLAR)
    for reach in (
        lambda: files.files("eve", mine),
        lambda: files.add("eve", mine, []),
        lambda: files.document("eve", mine, "medlar.md"),
        lambda: asyncio.run(files.remove("eve", mine, "medlar.md")),
        lambda: asyncio.run(files.read("eve", mine, quiet)),
        lambda: found(files, "eve", mine),
    ):
        with pytest.raises(RequestError, match="does not exist"):
            reach()
    files.delete("eve", mine)
    files.delete_all("eve")
    assert files.document("ann", mine, "medlar.md").content() == MEDLAR
    # By no name of a corpus either: not by that of the passages, nor by a path.
    folder = files._folder("ann", mine).index
    for name in (OWN_FILES, f"tiny+{OWN_FILES}", str(folder), f"../chat-files/tiny/{folder.parent.parent.name}/{mine}"):
        with pytest.raises(RequestError, match="no corpus"):
            files._service.retriever(name)


def test_they_outlive_a_restart_and_are_read_then_if_the_server_was_killed_before(files, tmp_path):
    mine = files._conversations.create("ann", [])
    path = tmp_path / "medlar.md"
    path.write_bytes(MEDLAR)
    files.add("ann", mine, [("medlar.md", path)])
    again = new_files(tmp_path)
    assert [file.state for file in again.files("ann", mine)] == ["waiting"]
    assert found(again, "ann", mine)[0] == (OWN_FILES, "medlar.md")
    assert [file.state for file in again.files("ann", mine)] == ["indexed"]


def test_rejects_have_reasons_and_a_file_that_is_removed_is_not_found(files, tmp_path):
    mine = files._conversations.create("ann", [])
    add(files, tmp_path, "ann", mine, medlar_md=MEDLAR, photo_png=b"\x89PNG\r\n\x1a\n")
    states = {file.source: file for file in files.files("ann", mine)}
    assert states["photo.png"].state == "rejected"
    assert "hold no text" in states["photo.png"].reason
    asyncio.run(files.remove("ann", mine, "medlar.md"))
    assert {corpus for corpus, _ in found(files, "ann", mine)} == {"tiny"}
    asyncio.run(files.remove("ann", mine, "photo.png"))
    assert files.files("ann", mine) == []
    assert not files._folder("ann", mine).root.exists()
    with pytest.raises(RequestError, match="not among the files"):
        asyncio.run(files.remove("ann", mine, "../../users.sqlite"))


def test_limits_are_said(tmp_path):
    files = new_files(tmp_path, chat_files=2, chat_file_mib=1, chat_user_mib=1)
    mine, other = files._conversations.create("ann", []), files._conversations.create("ann", [])
    half = b"a line of text\n" * 40_000
    _, refused = add(files, tmp_path, "ann", mine, a_md=MEDLAR, big_txt=b"x" * (1 << 21), b_md=MEDLAR, c_md=MEDLAR)
    assert [file.source for file in refused] == ["big.txt", "c.md"]
    assert "larger than 1 MiB" in refused[0].reason
    assert "holds 2 files at most" in refused[1].reason
    assert add(files, tmp_path, "ann", mine, b_md=MEDLAR + b"Again.\n")[0] == ["b.md"]  # in the place of the first
    files.add("ann", other, [("half.txt", _write(tmp_path / "half.txt", half))])
    _, (more,) = files.add("ann", other, [("more.txt", _write(tmp_path / "more.txt", half))])
    assert "hold 1 MiB of files at most" in more.reason


def test_they_go_with_the_conversation_and_with_the_user(files, tmp_path):
    first, second = files._conversations.create("ann", []), files._conversations.create("ann", [])
    third = files._conversations.create("bob", [])
    for user, conversation in (("ann", first), ("ann", second), ("bob", third)):
        add(files, tmp_path, user, conversation, medlar_md=MEDLAR)
    files.delete("ann", first)
    assert files.files("ann", first) == []
    files.delete_all("ann")
    assert files.files("ann", second) == []
    assert [file.source for file in files.files("bob", third)] == ["medlar.md"]
    root = files._service.workspace.chat_files("tiny")
    assert len(list(root.iterdir())) == 1
    files._conversations.delete_all("bob")  # elsewhere, without a word to the files
    files.sweep()
    assert list(root.rglob("*.md")) == []


def test_a_conversation_that_is_deleted_while_its_files_are_read_leaves_nothing(files, tmp_path):
    mine = files._conversations.create("ann", [])
    files.add("ann", mine, [("medlar.md", _write(tmp_path / "medlar.md", MEDLAR))])

    def delete(stage, share):
        files._conversations.delete("ann", mine)
        files.delete("ann", mine)

    asyncio.run(_read_anyway(files, mine, delete))
    assert list(files._service.workspace.chat_files("tiny").rglob("*.md")) == []
    assert list(files._service.workspace.chat_files("tiny").rglob("*.sqlite")) == []


async def _read_anyway(files, conversation, progress):
    try:
        await files.read("ann", conversation, progress)
    except Exception:  # noqa: BLE001 - its files have gone while it read them
        return


def test_an_index_of_another_embedder_is_made_anew(files, tmp_path):
    mine = files._conversations.create("ann", [])
    add(files, tmp_path, "ann", mine, medlar_md=MEDLAR)
    again = new_files(tmp_path)
    folder = again._folder("ann", mine)
    folder.read(HashEmbedder("hash-2"), again._ingest, quiet)
    assert folder.has_passages
    assert [file.state for file in folder.files()] == ["indexed"]


def _write(path, content):
    path.write_bytes(content)
    return path
