"""The start of several domains: the main one first, trainings one after another, and a failure that stays its own."""

import threading
from types import SimpleNamespace

import pytest

from core.errors import ModelError, PackError, ServeError
from core.service import PartStatus, TrainingStatus
from graft import start
from graft.start import start_all


class Shared:
    """An engine that only says what was done with it."""

    def __init__(self, done):
        self.done, self.state, self.error, self.unprepared = done, PartStatus(), None, None

    def prepare(self, say):
        if self.unprepared is not None:
            raise self.unprepared
        self.done.append("models")

    def start(self, say):
        if self.error is not None:
            raise self.error
        self.done.append("vllm")


class Domain:
    """A service that only says what was done with it. `error` is raised where its documents are obtained."""

    def __init__(self, name, done, runs, examples=True):
        self.pack = SimpleNamespace(name=name, train_examples=["one"] if examples else [])
        self.workspace = SimpleNamespace(runs=lambda domain: runs / domain)
        self.state = SimpleNamespace(corpus=PartStatus(), training=TrainingStatus(), adapter=None)
        self.done, self.error = done, None

    def prepare_pack(self, say):
        if self.error is not None:
            raise self.error

    def open_index(self, progress, *, keep_serving):
        self.done.append(f"index {self.pack.name}")
        self.state.corpus = PartStatus(state="ready")

    def announce_active(self):
        self.done.append(f"announce {self.pack.name}")

    def load_active(self):
        pass

    def start_whole_model(self, say):
        pass


@pytest.fixture
def done():
    return []


@pytest.fixture
def services(done, tmp_path):
    return [Domain("garden", done, tmp_path), Domain("helpdesk", done, tmp_path)]


@pytest.fixture
def said(monkeypatch, done):
    """What is said while everything starts; what is trained stands in `done`, and must not overlap."""
    training = threading.Lock()

    def train(service, on_training, wishes):
        assert training.acquire(blocking=False)
        done.append(f"train {service.pack.name}")
        service.state.adapter = f"{service.pack.name}@1"
        training.release()

    monkeypatch.setattr(start, "train_adapter", train)
    return []


def begin(done, services, said, train=True, engine=None):
    engine = engine or Shared(done)
    start_all(engine, services, said.append, train, lambda: done.append("watch"), threading.Event())
    return engine


def test_the_main_domain_comes_first_and_trainings_last(done, services, said):
    begin(done, services, said)
    # What is known of the adapters is shown before anything that takes long.
    assert done[:3] == ["announce garden", "announce helpdesk", "models"]
    assert [step for step in done if step.startswith("index")] == ["index garden", "index helpdesk"]
    assert done[-2:] == ["train garden", "train helpdesk"]
    assert done.count("vllm") == done.count("watch") == 1
    assert "helpdesk: ready: base model and corpus answer questions" in said


def test_one_domain_is_not_named_in_what_is_said(done, services, said):
    begin(done, services[:1], said)
    assert "ready: base model and corpus answer questions" in said


@pytest.mark.parametrize("error", [PackError("no documents"), RuntimeError("no documents")])
def test_a_domain_that_fails_leaves_the_others_working(done, services, said, error):
    services[0].error = error
    begin(done, services, said)
    assert services[0].state.corpus.state == "failed"
    assert "no documents" in services[0].state.corpus.detail
    assert services[1].state.corpus.state == "ready"
    assert done[-1] == "train helpdesk"
    assert "train garden" not in done
    assert any(line.startswith("garden: error:") for line in said)


@pytest.mark.parametrize(("error", "says"), [(ServeError("no memory"), "no memory"), (KeyError("data"), "KeyError")])
def test_without_a_model_documents_are_read_and_nothing_is_trained(done, services, said, error, says):
    engine = Shared(done)
    engine.error = error
    begin(done, services, said, engine=engine)
    assert [service.state.corpus.state for service in services] == ["ready", "ready"]
    assert engine.state.state == "failed"
    assert says in engine.state.detail
    assert said[-1].startswith(f"error: {says}")
    assert not any(step.startswith("train") for step in done)


@pytest.mark.parametrize("error", [ModelError("no weights"), OSError("no weights")])
def test_models_that_cannot_be_prepared_are_said_on_every_page(done, services, said, error):
    engine = Shared(done)
    engine.unprepared = error
    begin(done, services, said, engine=engine)
    for state in (engine.state, *(service.state.corpus for service in services)):
        assert state.state == "failed"
        assert "no weights" in state.detail
    assert "vllm" not in done


def test_a_training_waits_for_that_of_another_domain(monkeypatch, done, services, said):
    monkeypatch.setattr(start, "_LOOK_SECONDS", 0.001)
    looks = iter(["garden"] * 3)  # once before its own training, and twice before the other domain's
    monkeypatch.setattr(start, "domain_that_trains", lambda trainings: next(looks, None))
    monkeypatch.setattr(start, "goes_on", lambda runs: runs.name == "garden")
    begin(done, services, said)
    assert "garden: training: goes on in another process, which activates its adapter here" in said
    assert done[-1] == "train helpdesk"
    assert next(looks, None) is None


def test_a_domain_without_examples_says_so(done, services, said):
    services[1].pack.train_examples = []
    begin(done, services, said)
    assert "no training examples yet" in services[1].state.training.detail
