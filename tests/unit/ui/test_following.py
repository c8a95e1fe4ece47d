import pytest

from core.errors import WorkspaceError
from core.service import CorpusInfo, PartStatus
from tests.fakes import FakeService
from ui.following import BUSY_SECONDS, CALM_SECONDS, Seen, changes


@pytest.fixture
def service(tmp_path):
    return FakeService(tmp_path)


def test_nothing_is_sent_twice(service):
    seen, first = changes(service, Seen())
    assert first["send"] == {"value": "Send", "interactive": True}
    assert first["timer"] == {"value": CALM_SECONDS}
    assert "line" not in first
    assert changes(service, seen) == (seen, {})


def test_send_opens_when_the_model_is_ready(service):
    ready = service.state
    service.state = ready.model_copy(update={"model": PartStatus(state="starting")})
    seen, before = changes(service, Seen())
    assert before["send"] == {"value": "Starting", "interactive": False}
    assert "The model is starting" in before["line"]["value"]
    service.state = ready
    _, after = changes(service, seen)
    assert after["send"] == {"value": "Send", "interactive": True}
    assert "Ready" in after["line"]["value"]


def test_failure_is_named_and_blocks(service):
    service.state = service.state.model_copy(update={"corpus": PartStatus(state="failed", detail="no memory")})
    _, shown = changes(service, Seen())
    assert shown["send"] == {"value": "Not ready", "interactive": False}
    assert "no memory" in shown["strip"]["value"]


def test_adapter_joins_the_choices_and_becomes_the_default(service):
    seen, _ = changes(service, Seen())
    service.publish("garden@1")
    _, shown = changes(service, seen)
    assert shown["arm"]["value"] == "hybrid"
    assert [value for _, value in shown["arm"]["choices"]] == ["hybrid", "rag", "lora", "base"]
    assert shown["adapter"]["choices"][0] == ("In use: garden@1", "")
    assert "garden@1 is ready" in shown["line"]["value"]
    assert "corpora" not in shown


def test_a_corpus_that_is_created_can_be_chosen_and_what_is_chosen_stays(service, monkeypatch):
    seen, first = changes(service, Seen())
    assert first["corpora"]["value"] == ["garden"]
    more = [*service.corpora(), CorpusInfo(name="mushrooms", documents=3)]
    monkeypatch.setattr(service, "corpora", lambda: more)
    _, shown = changes(service, seen)
    assert ("mushrooms (3 documents)", "mushrooms") in shown["corpora"]["choices"]
    assert "value" not in shown["corpora"]


def test_chosen_arm_is_left_alone(service):
    seen, _ = changes(service, Seen(arm_chosen=True))
    service.publish("garden@1")
    seen, shown = changes(service, seen)
    assert "value" not in shown["arm"]
    assert len(shown["arm"]["choices"]) == 4
    assert seen.arm_chosen


def test_training_is_followed_closely(service):
    seen, _ = changes(service, Seen())
    training = service.state.training.model_copy(update={"state": "training", "progress": 0.5})
    service.state = service.state.model_copy(update={"training": training})
    _, shown = changes(service, seen)
    assert shown["timer"] == {"value": BUSY_SECONDS}
    assert set(shown) == {"strip", "timer"}


def test_error_of_the_service_is_raised(service, monkeypatch):
    def broken():
        raise WorkspaceError("no space left; free some")

    monkeypatch.setattr(service, "status", broken)
    with pytest.raises(WorkspaceError):
        changes(service, Seen())
