"""A training that fails says why in its record, also where that is a defect of Graft's."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from graft.training import train_adapter
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
