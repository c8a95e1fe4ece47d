"""Distillation from the first question to the report: a scripted teacher, a student that is really trained."""

import json
import re
from pathlib import Path

import pytest

from core.answer_text import write_answer
from core.errors import RequestError, TrainError
from core.settings import load_settings
from core.types import STRUCTURED
from core.workspace import Workspace
from finetune.dataset import read_card
from graft import build
from graft.distill import TeacherModel, distill
from graft.service import LocalService
from tests.fakes import ScriptedModel
from tests.support.corpora import HashEmbedder
from tests.support.graft_process import copy_pack
from tests.support.tiny_model import save_tiny_model

pytestmark = pytest.mark.integration


class Scripts:
    """Teacher and student: both know every answer; the teacher is wrong about heather, and counts what it is asked."""

    def __init__(self, pack) -> None:
        self.pack = pack
        self.known = {e.question: e for e in [*pack.train_examples, *pack.test_examples]}
        self.asked: list[str] = []

    def teacher(self, messages) -> str:
        text = str(messages[-1].content)
        self.asked.append(text)
        return self._say(text, wrong="heather" in text.rpartition("Question:")[2])

    def student(self, messages) -> str:
        return self._say(str(messages[-1].content), wrong=False)

    def _say(self, text: str, *, wrong: bool) -> str:
        example = self.known[text.rpartition("Question: ")[2]]
        value = example.answer if example.answerable else None
        cited = [
            int(number)
            for number, passage in re.findall(r"\[(\d+)\] (.*?)(?=\n\n\[\d+\] |\n\nQuestion: )", text, re.DOTALL)
            if any(e.quote in " ".join(passage.split()) for e in example.evidence)
        ]
        if wrong and value is not None:
            value = dict.fromkeys(value, "never") if isinstance(value, dict) else "Whenever you like."
        shape = "json" if example.format in STRUCTURED else example.format
        return write_answer(value, shape, cited[:1] if value is not None else [], self.pack.refusal)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalService:
    monkeypatch.setattr(build, "load_embeddings", lambda settings, embedder: HashEmbedder())
    base = save_tiny_model(tmp_path / "tiny")
    settings = load_settings({"models.llm": str(base), "train.max_steps": 3, "lab.bootstrap": 100}, environ={})
    workspace = Workspace.open(tmp_path / "ws")
    found = LocalService(settings, workspace, build.open_pack(str(copy_pack("garden", tmp_path)), workspace))
    found.prepare(lambda text: None)
    found.open_index(lambda stage, done, total: None)
    # No vLLM here: what it would load and compare is tested in test_vllm.py.
    monkeypatch.setattr(found, "activate_now", lambda name, **_: setattr(found.state, "adapter", name))
    return found


def run(service: LocalService, scripts: Scripts, shots: int = 2):
    base = service.models.llm_name if service.models else ""
    service._chat_model = lambda name, **_: ScriptedModel(script=scripts.teacher if name == base else scripts.student)
    said: list[str] = []
    return distill(
        service,
        TeacherModel(base),
        shots=shots,
        limit=None,
        test_limit=None,
        progress=lambda stage, done, total: None,
        tell=lambda status: None,
        on_plan=lambda plan: said.extend(plan.lines()),
        on_report=lambda report: None,
        say=said.append,
    )


def test_verified_answers_train_the_student_and_the_report_compares_the_two(service):
    scripts = Scripts(service.pack)
    manifest, report = run(service, scripts)
    examples = service.pack.train_examples
    heather = sum("heather" in e.question and e.answerable for e in examples)
    assert report.asked == len(examples)
    assert 0 < heather <= report.asked - report.verified
    assert report.verified >= 8
    assert manifest.options["teacher"] == service.models.llm_name
    assert manifest.metrics["steps"] == 3
    rows = (service.workspace.dataset("garden") / "distilled" / "rows.jsonl").read_text().splitlines()
    learnt = {json.loads(row)["example"] for row in rows}
    assert len(learnt) == report.verified
    assert not any("heather" in name for name in learnt if name.endswith(("-0", "-1")))
    card = read_card(service.workspace.dataset("garden") / "distilled")
    assert card is not None
    assert card.rows == manifest.examples
    # Worked examples of other records stood in the teacher's prompt, and only there.
    assert report.teacher_quality is not None
    assert report.student_quality == pytest.approx(1.0)
    assert report.questions == len(service.pack.test_examples)
    saved = json.loads((service.workspace.runs("garden") / manifest.run / "distillation.json").read_text())
    assert saved["verified"] == report.verified


def test_a_second_run_asks_only_what_was_not_answered(service):
    first = Scripts(service.pack)
    run(service, first)
    again = Scripts(service.pack)
    _, report = run(service, again)
    assert report.asked == len(service.pack.train_examples)
    trained = {e.question for e in service.pack.train_examples}
    assert not [text for text in again.asked if text.rpartition("Question: ")[2] in trained]


def test_a_teacher_that_knows_nothing_is_refused_with_the_reasons(service):
    scripts = Scripts(service.pack)
    scripts.teacher = lambda messages: "{}"
    with pytest.raises(TrainError, match=r"of .* answers of .* were verified \(.*\), at least 8"):
        run(service, scripts)
    service.settings = service.settings.model_copy(
        update={"train": service.settings.train.model_copy(update={"method": "dora"})}
    )
    with pytest.raises(RequestError, match="method dora trains no student"):
        run(service, scripts)
