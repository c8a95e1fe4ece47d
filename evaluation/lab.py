"""The lab: arms on one frozen test set, one after another, each answer cached, scored and classed.

Knows answers, not how they are made: `answerer` is the chat pipeline or a served domain. Base model and adapter are
never asked at the same time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

from core.arms import Arm, parse_lab_arm
from core.errors import LabError
from core.files import sha256_file
from core.pack import DomainPack
from core.settings import LabSettings, PriceSettings
from core.types import Example
from evaluation.answer_cache import AnswerCache
from evaluation.asking import RETRY_WAITS, Answerer, ArmAnswers, ask_all, to_question
from evaluation.control_run import run_controls
from evaluation.frozen import verify_test_set
from evaluation.lab_result import LabResult, write_lab_json
from evaluation.misses import MissClass, Search, classify, explain_retrieval, is_hit
from evaluation.report.page import write_report
from evaluation.result import ArmRun, write_answers
from evaluation.sample import stratified
from evaluation.scores import score_answer
from evaluation.style import Style

OnProgress = Callable[[str, int, int], None]
Serving = Callable[[str], AbstractAsyncContextManager[None]]


async def run_lab(
    answerer: Answerer,
    pack: DomainPack,
    arms: Sequence[str],
    settings: LabSettings,
    out_dir: Path | None,
    *,
    fingerprint: str,
    cache_dir: Path,
    limit: int | None = None,
    icl_count: int | None = None,
    adapter: str | None = None,
    adapters: Mapping[str, str] | None = None,
    training_seconds: Mapping[str, float] | None = None,
    prices: PriceSettings | None = None,
    search: Search | None = None,
    serving: Serving | None = None,
    controls: Sequence[str] = (),
    curve: Mapping[str, float] | None = None,
    shares: Mapping[str, float] | None = None,
    on_progress: OnProgress = lambda arm, done, total: None,
    retry_waits: Sequence[float] = RETRY_WAITS,
) -> LabResult:
    """Ask the test set under every arm and write lab.json, report.html and answers.jsonl into `out_dir`.

    Beside them figures.html, which is the report without questions and answers.

    `fingerprint` names what determines answers and is not seen here: base model, prompt hash, index generation,
    retrieval and generation settings. `adapter` is the served name that adapter arms use, `adapters` those of arms that
    name their own; `training_seconds` by adapter. `serving(name)` is entered around an arm that uses adapter `name`.
    `search(text, k)` tells why evidence was missed; without it every such miss is `not_retrieved`. `controls` names
    arms whose passages are tampered with afterwards. `shares` gives arms the share of the training records that their
    adapter saw (none: all of them), `curve` the same for the points of a learning curve. Raises LabError, LeakageError,
    and whatever `answerer` raises that another try does not mend.
    """
    own = adapters or {}
    chosen = _parse(arms, pack, adapter, own)
    _check_controls(controls, chosen)
    test_hash = verify_test_set(pack, cache_dir)
    questions = stratified(pack.test_examples, limit, settings.seed)
    retrieval_classes: dict[str, MissClass] = {}
    runs: dict[str, ArmRun] = {}
    shown: dict[str, dict[str, Any]] = {}
    style = Style(pack.train_examples)
    for arm in chosen:
        served = own.get(arm.name, adapter) if arm.adapter else None
        identity = cache_identity(pack, arm, test_hash, fingerprint, adapter=served, icl_count=icl_count)
        async with serving(served) if serving and served else nullcontext():
            answers = await ask_all(
                answerer,
                [to_question(example, arm, served, settings.max_tokens) for example in questions],
                AnswerCache(cache_dir / "answers", arm.name, identity),
                concurrency=settings.concurrency,
                on_answer=lambda done, total, name=arm.name: on_progress(name, done, total),
                retry_waits=retry_waits,
            )
            _check_models(arm, answers, served)
            runs[arm.name] = await _score(arm, answers, questions, search, retrieval_classes, style)
            if arm.name in controls and arm.retrieval:
                shown[arm.name] = await run_controls(
                    answerer,
                    runs[arm.name],
                    questions,
                    cache_dir=cache_dir,
                    identity=identity,
                    concurrency=settings.concurrency,
                    max_tokens=settings.max_tokens,
                    resamples=settings.bootstrap,
                    seed=settings.seed,
                    on_answer=lambda done, total, name=arm.name: on_progress(f"{name}, tampered", done, total),
                    retry_waits=retry_waits,
                )
    result = LabResult(
        domain=pack.name,
        title=pack.title,
        test_hash=test_hash,
        test_size=len(pack.test_examples),
        adapter=adapter,
        questions=questions,
        runs=runs,
        limit=limit,
        seed=settings.seed,
        bootstrap=settings.bootstrap,
        concurrency=settings.concurrency,
        prices=prices or PriceSettings(),
        training_seconds=dict(training_seconds or {}),
        style=style.describe(),
        controls=shown,
        curve=dict(curve or {}),
        shares={**(shares or {}), **(curve or {})},
        icl_examples=icl_count if any(arm.icl for arm in chosen) else None,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    if out_dir is not None:
        write_answers(result, out_dir / "answers.jsonl")
        write_report(result, out_dir / "report.html")
        write_report(result, out_dir / "figures.html", texts=False)
        write_lab_json(result, out_dir / "lab.json")
    return result


def cache_identity(
    pack: DomainPack, arm: Arm, test_hash: str, fingerprint: str, *, adapter: str | None, icl_count: int | None
) -> dict[str, object]:
    """Everything but the question that determines an answer under `arm`."""
    shown = {"count": icl_count, "from": sha256_file(pack.train_file)} if arm.icl else None
    return {
        "arm": arm.model_dump(exclude={"description", "weights"}),
        "adapter": adapter if arm.adapter else None,
        "examples": shown,
        "pack": [pack.persona, pack.refusal, pack.schemas],
        "test": test_hash,
        "fingerprint": fingerprint,
    }


def _parse(names: Sequence[str], pack: DomainPack, adapter: str | None, own: Mapping[str, str]) -> list[Arm]:
    arms = [parse_lab_arm(name) for name in dict.fromkeys(names)]
    if not arms:
        raise LabError("no arms to compare: name some, such as --arms base,rag,hybrid")
    unnamed = [arm.name for arm in arms if arm.weights and arm.name not in own]
    if unnamed:
        raise LabError(f"domain '{pack.name}' has no adapter for {', '.join(unnamed)}: see graft adapters list")
    trained = [arm.name for arm in arms if arm.adapter and arm.name not in own]
    if trained and adapter is None:
        raise LabError(
            f"domain '{pack.name}' has no active adapter for {', '.join(trained)}: "
            f"run graft train --domain {pack.name}, or leave these arms out"
        )
    shown = [arm.name for arm in arms if arm.icl]
    if shown and not pack.train_examples:
        raise LabError(
            f"domain '{pack.name}' has no training examples to show in {', '.join(shown)}: "
            f"write {pack.train_file}, or leave these arms out"
        )
    return arms


def _check_controls(names: Sequence[str], chosen: Sequence[Arm]) -> None:
    fitting = [arm.name for arm in chosen if arm.retrieval]
    wrong = [name for name in names if name not in fitting]
    if wrong:
        raise LabError(
            f"no controls of {', '.join(wrong)}: of the arms asked, {', '.join(fitting) or 'none'} have passages"
        )


def _check_models(arm: Arm, answers: ArmAnswers, adapter: str | None) -> None:
    models = {outcome.answer.model for outcome in answers.outcomes if outcome.answer is not None}
    if len(models) > 1 or (arm.adapter and models and models != {adapter}):
        raise LabError(
            f"arm '{arm.name}' was answered by {', '.join(sorted(models))} instead of one model: "
            "another adapter was activated meanwhile; run the lab again"
        )


async def _score(
    arm: Arm,
    answers: ArmAnswers,
    questions: list[Example],
    search: Search | None,
    retrieval_classes: dict[str, MissClass],
    style: Style,
) -> ArmRun:
    scores = []
    misses: list[MissClass | None] = []
    for example, outcome in zip(questions, answers.outcomes, strict=True):
        score = score_answer(example, outcome.answer, arm, style)
        score.right = is_hit(example, score)
        # All arms search alike, so that one look at the index explains a miss of each of them.
        if score.evidence is False and search is not None and example.id not in retrieval_classes:
            retrieval_classes[example.id] = await explain_retrieval(example, search)
        scores.append(score)
        misses.append(classify(example, outcome.answer, score, retrieval_classes.get(example.id)))
    return ArmRun(
        arm=arm,
        model=answers.model,
        outcomes=answers.outcomes,
        scores=scores,
        misses=misses,
        seconds=None if any(outcome.cached for outcome in answers.outcomes) else answers.seconds,
    )
