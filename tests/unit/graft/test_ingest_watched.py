"""What `graft ingest --watch` does again and again."""

from types import SimpleNamespace

import pytest

from core.errors import IndexBusyError
from graft.cli_ingest import _Ingestion


def test_all_is_embedded_again_until_that_was_done_once():
    calls: list[tuple[str, bool]] = []
    failures = [IndexBusyError("another process writes"), None]

    def run(*, reembed: bool, yes: bool) -> dict[str, int]:
        calls.append(("first", reembed))
        if failure := failures.pop(0):
            raise failure
        return {"chunks": 4}

    def once(progress, *, reembed: bool, yes: bool) -> dict[str, int]:
        calls.append(("again", reembed))
        return {"chunks": 4}

    sync = _Ingestion.watched(SimpleNamespace(run=run, once=once), reembed=True, yes=False)  # type: ignore[arg-type]
    with pytest.raises(IndexBusyError):
        sync()
    assert sync()["chunks"] == 4
    sync()
    assert calls == [("first", True), ("first", True), ("again", False)]
