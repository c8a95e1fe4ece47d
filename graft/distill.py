"""Wires distillation: a teacher answers the training questions, the student learns what was verified, the lab compares.

The teacher is the workspace's base model with a long prompt, or a model behind an OpenAI-compatible endpoint.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.arms import parse_arm
from core.chat import ChatPipeline, Question
from core.errors import RequestError, TrainError
from core.files import sha256_json, write_json
from core.types import Answer, Example
from finetune.adapters import AdapterManifest
from finetune.distillation import (
    Distillation,
    RightPassages,
    TeacherAnswer,
    count_reasons,
    student_examples,
)
from finetune.launch import make_job
from finetune.presets import METHODS
from graft.service import LocalService
from graft.teacher_answers import Progress, TeacherAnswers
from graft.training import OnPlan, OnReport, OnTraining, Wishes, build_training_data, run_job, training_of

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

TEACHER_ARM, STUDENT_ARM = "rag+icl+schema", "hybrid+schema"
FEWEST = 8


@dataclass(frozen=True)
class TeacherModel:
    """Who teaches. `model` None: the base model of the workspace."""

    name: str
    model: "BaseChatModel | None" = None


class _TwoModels:
    """Answers arms without adapter as the teacher, and those with one as the student: for the lab."""

    def __init__(self, teacher: ChatPipeline, student: ChatPipeline, shots: int) -> None:
        self.teacher, self.student, self.shots = teacher, student, shots

    async def answer(self, question: Question) -> Answer:
        """Answer `question` by whom its arm means."""
        if question.arm.adapter:
            return await self.student.answer(question)
        return await self.teacher.answer(question.model_copy(update={"icl_examples": self.shots}))


def distill(
    service: LocalService,
    teacher: TeacherModel,
    *,
    shots: int,
    limit: int | None,
    test_limit: int | None,
    progress: Progress,
    tell: OnTraining,
    on_plan: OnPlan,
    on_report: OnReport,
    say: Callable[[str], None],
) -> tuple[AdapterManifest, Distillation]:
    """Ask, verify, train, publish, activate, compare. The service has its index open and its model started.

    `shots` are worked examples in the teacher's prompt, `limit` the training questions that are asked, `test_limit`
    those of the test set. Raises TrainError where too few answers are verified, ServeError where the teacher fails.
    """
    from evaluation.frozen import verify_test_set

    facts, method = METHODS[service.settings.train.method], service.settings.train.method
    if facts.data != "rows" or facts.result != "adapter":
        raise RequestError(f"method {method} trains no student: distill with lora, rslora or qlora (train.method)")
    # Before hours are spent: without a frozen test set there is nothing to compare on.
    verify_test_set(service.pack, service.workspace.lab(service.pack.name))
    pipeline = service.pipeline()
    as_teacher = _teacher_pipeline(pipeline, teacher)
    examples = service.pack.train_examples[:limit]
    if not examples:
        raise TrainError(f"domain '{service.pack.name}' has no training examples: write {service.pack.train_file}")
    folder = service.workspace.dataset(service.pack.name) / "distilled"
    # One event loop for both: a client of an endpoint belongs to the loop that it was first used on.
    with asyncio.Runner() as runner:
        taught = _teacher_answers(service, as_teacher, teacher, shots, folder / "answers.jsonl")
        answers = runner.run(taught.of(examples, progress, say))
        learnt = student_examples(examples, answers)
        if len(learnt) < FEWEST:
            reasons = ", ".join(f"{count} {reason}" for reason, count in count_reasons(answers).items())
            raise TrainError(
                f"only {len(learnt)} of {len(answers)} answers of {teacher.name} were verified ({reasons}), at least "
                f"{FEWEST} are needed: use a better teacher (--teacher-url), or more questions"
            )
        manifest = _train(service, teacher, learnt, folder, tell, on_plan, on_report, say)
        report = runner.run(_compare(service, as_teacher, teacher, manifest, answers, shots, test_limit, progress))
    write_json(service.workspace.runs(service.pack.name) / str(manifest.run) / "distillation.json", report.model_dump())
    return manifest, report


def _teacher_pipeline(pipeline: ChatPipeline, teacher: TeacherModel) -> ChatPipeline:
    """The domain's pipeline with the teacher as its model; its retriever is the real one."""
    model = teacher.model
    if model is None:
        return pipeline
    return replace(pipeline, model_for=lambda _: model, base_model=teacher.name)


def _teacher_answers(
    service: LocalService, pipeline: ChatPipeline, teacher: TeacherModel, shots: int, file: Path
) -> TeacherAnswers:
    """The teacher over the right passages alone. Raises RequestError where there is no index."""
    if pipeline.retriever is None:
        raise RequestError(f"domain '{service.pack.name}' has no index yet: run graft ingest")
    by_question = {example.question: example for example in service.pack.train_examples}
    right = replace(pipeline, retriever=RightPassages(inner=pipeline.retriever, examples=by_question))
    depends, at_once = (teacher.name, service.prompt_hash), service.settings.lab.concurrency
    return TeacherAnswers(file, right, parse_arm(TEACHER_ARM), shots, depends, at_once)


def _train(
    service: LocalService,
    teacher: TeacherModel,
    learnt: Sequence[Example],
    folder: Path,
    tell: OnTraining,
    on_plan: OnPlan,
    on_report: OnReport,
    say: Callable[[str], None],
) -> AdapterManifest:
    models = service.models
    assert models is not None
    examples_hash = sha256_json([example.model_dump() for example in learnt])
    wishes = Wishes(on_plan=on_plan, on_report=on_report, say=say)
    with training_of(service, tell, wishes) as teller:
        card = build_training_data(
            service,
            teller.preparing,
            pack=service.pack.with_examples(learnt),
            folder=folder,
            examples_hash=examples_hash,
        )
        job = make_job(
            service.settings.train, card, folder / "rows.jsonl", models.llm, models.llm_name, service.workspace.run
        ).model_copy(update={"teacher": teacher.name})
        return run_job(service, job, card, teller, wishes)


async def _compare(
    service: LocalService,
    as_teacher: ChatPipeline,
    teacher: TeacherModel,
    manifest: AdapterManifest,
    answers: Sequence[TeacherAnswer],
    shots: int,
    limit: int | None,
    progress: Progress,
) -> Distillation:
    """Teacher and student on the frozen test set, both over what is really found."""
    from evaluation.lab import run_lab

    result = await run_lab(
        _TwoModels(as_teacher, service.pipeline(), shots),
        service.pack,
        [TEACHER_ARM, STUDENT_ARM],
        service.settings.lab,
        None,
        fingerprint=sha256_json([teacher.name, shots, service.prompt_hash, manifest.provenance.corpus]),
        cache_dir=service.workspace.lab(service.pack.name),
        limit=limit,
        icl_count=shots,
        adapter=manifest.name,
        training_seconds={manifest.name: manifest.metrics["seconds"]} if "seconds" in manifest.metrics else None,
        prices=service.settings.prices,
        on_progress=progress,
    )
    measure = result.document["primary"]
    arms = result.document["arms"]

    def mean(arm: str, *path: str) -> float | None:
        value: Any = arms[arm]
        for key in path:
            value = value.get(key) if value else None
        return value.get("mean") if value else None

    def tokens(arm: str) -> tuple[float, float]:
        return (mean(arm, "tokens", "prompt") or 0.0, mean(arm, "tokens", "completion") or 0.0)

    return Distillation(
        teacher=f"{teacher.name}, {shots} examples in its prompt",
        student=manifest.name,
        asked=len(answers),
        verified=sum(answer.reason is None for answer in answers),
        reasons=count_reasons(answers),
        questions=len(result.questions),
        measure=measure,
        teacher_quality=mean(TEACHER_ARM, measure),
        student_quality=mean(STUDENT_ARM, measure),
        teacher_tokens=tokens(TEACHER_ARM),
        student_tokens=tokens(STUDENT_ARM),
        teacher_cost=mean(TEACHER_ARM, "cost_per_1000"),
        student_cost=mean(STUDENT_ARM, "cost_per_1000"),
        currency=service.settings.prices.currency,
    )
