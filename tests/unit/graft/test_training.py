"""A training that fails says why, also where that is a defect of Graft; one that is resumed goes on as started."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from core.files import write_json
from finetune.dataset import RowsCard
from finetune.job import Job
from graft.training import Wishes, train_adapter, training_of
from graft.training_record import read_record
from graft.training_view import look


class Broken:
    """A service that cannot say which models it has."""

    def __init__(self, runs: Path) -> None:
        self.workspace, self.pack = SimpleNamespace(runs=lambda name: runs), SimpleNamespace(name="garden")
        self.state = SimpleNamespace(training=None)

    @property
    def models(self) -> None:
        raise ZeroDivisionError("division by zero")


def test_a_defect_is_a_failure_with_its_reason(tmp_path):
    service = Broken(tmp_path)
    with pytest.raises(ZeroDivisionError):
        train_adapter(service, lambda status: None)  # type: ignore[arg-type]
    view = look(tmp_path)
    assert (view.state, view.detail) == ("failed", "ZeroDivisionError: division by zero")
    assert service.state.training.state == "failed"


@pytest.mark.parametrize("other", [False, True])
def test_what_was_not_to_be_activated_is_not_when_it_is_resumed(tmp_path, monkeypatch, other):
    card = RowsCard(domain="garden", data_hash="d", prompt_hash="p", test_hash=None, inputs="", rows=1, records=1)
    job = Job(domain="garden", base="b", base_name="b", rows="r", data_hash="d", prompt_hash="p")
    for name, content in (("job.json", job), ("card.json", card)):
        write_json(tmp_path / job.key / name, content.model_dump())
    (tmp_path / job.key / "rows.jsonl").write_text('{"record": "rose"}\n')
    service = SimpleNamespace(
        workspace=SimpleNamespace(runs=lambda name: tmp_path),
        pack=SimpleNamespace(name="garden"),
        state=SimpleNamespace(training=None),
    )
    first = Wishes(activate=False, ignore_memory=True)
    with training_of(service, lambda status: None, first) as tell:  # type: ignore[arg-type]
        tell.recorder.note(run="another" if other else job.key)
    monkeypatch.setattr("graft.training.unfinished_job", lambda service: (job, card))
    monkeypatch.setattr("graft.training.run_job", lambda service, job, card, tell, wishes: wishes)
    resumed = train_adapter(service, lambda status: None, resume=True)  # type: ignore[arg-type]
    assert (resumed.activate, resumed.ignore_memory) == ((True, False) if other else (False, True))
    record = read_record(tmp_path)
    assert record is not None
    assert (record.activate, record.ignore_memory) == (resumed.activate, resumed.ignore_memory)
