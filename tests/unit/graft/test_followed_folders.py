"""Folders of all corpora are followed once; each corpus is written by the domain that it belongs to."""

from types import SimpleNamespace

import pytest

from core.errors import RequestError
from core.workspace import Workspace
from graft.corpora import CorpusRegistry, CorpusSources
from graft.followed_folders import watch_folders


class Domain:
    def __init__(self, name, workspace, log):
        self.pack, self.workspace, self.log = SimpleNamespace(name=name), workspace, log
        self.settings = SimpleNamespace(ingest=SimpleNamespace(max_file_mib=1))

    def ingest_now(self, on_progress):
        self.log.append((self.pack.name, self.pack.name))

    def ingest_other(self, corpus, on_progress):
        self.log.append((self.pack.name, corpus))


def test_each_corpus_is_written_by_its_own_domain(tmp_path):
    workspace, log = Workspace.open(tmp_path / "ws"), []
    CorpusRegistry(workspace).write("notes", CorpusSources(title="My notes"))
    watch = watch_folders([Domain("garden", workspace, log), Domain("helpdesk", workspace, log)])
    for corpus in ("helpdesk", "garden", "notes"):
        watch._sync(corpus)
    assert log == [("helpdesk", "helpdesk"), ("garden", "garden"), ("garden", "notes")]
    with pytest.raises(RequestError, match="not served here"):
        watch._sync("trees")
