"""What the status says of the active adapter before it is loaded, and where it is not."""

from types import SimpleNamespace

import pytest

from core.errors import ServeError
from core.service import PartStatus, TrainingStatus
from graft.service import DomainState, LocalService

NAME = "garden@3f9c2a1b"


@pytest.fixture
def service(monkeypatch):
    """A domain with an active adapter, on an engine whose model is still starting."""
    made = LocalService.__new__(LocalService)
    made.pack = SimpleNamespace(name="garden")  # type: ignore[assignment]
    made.state = DomainState(PartStatus(), TrainingStatus())
    made.engine = SimpleNamespace(  # type: ignore[assignment]
        state=PartStatus(state="starting"), cache_hit_rate=None, prepared=lambda: SimpleNamespace(llm_name="base")
    )
    made.store = SimpleNamespace(  # type: ignore[assignment]
        active=lambda: NAME, fits=lambda name, **_: True, manifest=lambda name: SimpleNamespace(merged=False)
    )
    monkeypatch.setattr(LocalService, "prompt_hash", "p")
    monkeypatch.setattr(LocalService, "serve_adapter", lambda self, name: None)
    return made


def test_it_is_named_while_it_is_loading_and_then_in_use(service):
    service.announce_active()
    assert (service.status().loading, service.status().adapter) == (NAME, None)
    service.load_active()
    assert (service.status().loading, service.status().adapter) == (None, NAME)


def test_one_that_cannot_be_loaded_is_not_called_untrained(service, monkeypatch):
    def fail(self, name):
        raise ServeError("no memory")

    monkeypatch.setattr(LocalService, "serve_adapter", fail)
    service.announce_active()
    with pytest.raises(ServeError):
        service.load_active()
    status = service.status()
    assert (status.loading, status.adapter) == (None, None)
    assert status.training.detail == f"adapter {NAME} could not be loaded: no memory"


def test_one_of_another_model_says_so(service):
    service.store.fits = lambda name, **_: False
    service.announce_active()
    service.load_active()
    assert service.status().training.detail == f"adapter {NAME} is of another model or other prompts, and not in use"


def test_without_one_there_is_nothing_to_announce(service):
    service.store.active = lambda: None
    service.announce_active()
    service.load_active()
    assert (service.status().loading, service.status().training.detail) == (None, "")
