"""Files of conversations, without an index: which are taken, and what stays of them when a user goes."""

from hashlib import sha256
from types import SimpleNamespace

from core.conversations import ConversationStore
from core.settings import Settings
from core.user_database import UserDatabase
from core.workspace import Workspace
from graft.chat_files import LocalChatFiles, forget_files


def test_an_upload_that_has_gone_meanwhile_is_refused_and_the_others_are_taken(tmp_path):
    workspace = Workspace.open(tmp_path / "ws")
    service = SimpleNamespace(
        workspace=workspace, pack=SimpleNamespace(name="garden"), settings=Settings(workspace=workspace.root)
    )
    conversations = ConversationStore(UserDatabase(workspace.users), "garden")
    conversation = conversations.create("ann", [])
    here = tmp_path / "here.txt"
    here.write_text("Prune the medlar in November.")
    files = LocalChatFiles(service, conversations)
    taken, refused = files.add("ann", conversation, [("gone.txt", tmp_path / "gone.txt"), ("here.txt", here)])
    assert taken == ["here.txt"]
    assert [(file.source, file.state) for file in refused] == [("gone.txt", "rejected")]
    assert "no longer there" in refused[0].reason


def test_a_user_who_goes_takes_the_files_of_every_domain_along(tmp_path):
    workspace = Workspace.open(tmp_path / "ws")
    for user in ("ann", "bob"):
        for domain in ("django", "helpdesk"):
            home = workspace.chat_files(domain) / sha256(user.encode()).hexdigest()[:32] / "c1" / "files"
            home.mkdir(parents=True)
            (home / f"{user}.txt").write_text("x")
    forget_files(workspace, "ann")
    assert sorted(path.name for path in workspace.all_chat_files.rglob("*.txt")) == ["bob.txt", "bob.txt"]
    forget_files(workspace, "nobody")
