"""Files of conversations, without an index: what stays of them when a user goes."""

from hashlib import sha256

from core.workspace import Workspace
from graft.chat_files import forget_files


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
