"""Runs the controls of one arm and says what they show: what the right passage is worth, whether answers follow it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.types import Answer, Example
from evaluation.answer_cache import AnswerCache
from evaluation.asking import Answerer, OnAnswer, ask_all, to_question
from evaluation.bootstrap import Bootstrap, Figure, Ratio
from evaluation.controls import KINDS, Kind, Tampered, said_value, tamper
from evaluation.result import ArmRun
from evaluation.scores import Score, score_answer

Terms = list[tuple[float, float]]


async def run_controls(
    answerer: Answerer,
    run: ArmRun,
    questions: Sequence[Example],
    *,
    cache_dir: Path,
    identity: object,
    concurrency: int,
    max_tokens: int | None,
    resamples: int,
    seed: int,
    on_answer: OnAnswer = lambda done, total: None,
    retry_waits: Sequence[float] = (),
) -> dict[str, Any]:
    """Ask every control of an arm that retrieves. Raises what asking raises.

    Each control has `n` questions, `plain` and `figure` (content score with untouched and tampered passages) and their
    `difference`; `invented` has the shares of answers that give the `invented` and the `right` value instead.
    """
    answers = [outcome.answer for outcome in run.outcomes]
    found: dict[str, Any] = {}
    for kind in KINDS:
        tasks = tamper(kind, questions, answers, seed)
        if not tasks:
            continue
        asked = [
            to_question(questions[task.place], run.arm, run.model if run.arm.adapter else None, max_tokens).model_copy(
                update={"given": task.passages}
            )
            for task in tasks
        ]
        cache = AnswerCache(cache_dir / "answers", f"{run.arm.name}-{kind}", [identity, kind])
        got = await ask_all(
            answerer, asked, cache, concurrency=concurrency, on_answer=on_answer, retry_waits=retry_waits
        )
        replies = [outcome.answer for outcome in got.outcomes]
        bootstrap = Bootstrap([questions[task.place].record for task in tasks], resamples, seed)
        found[kind] = _judge(kind, tasks, replies, questions, run, bootstrap)
    return found


def _judge(
    kind: Kind,
    tasks: Sequence[Tampered],
    replies: Sequence[Answer | None],
    questions: Sequence[Example],
    run: ArmRun,
    bootstrap: Bootstrap,
) -> dict[str, Any]:
    entry: dict[str, Any] = {"n": len(tasks)}
    if kind == "invented":
        said = [said_value(t, questions[t.place], reply) for t, reply in zip(tasks, replies, strict=True)]
        for value in ("invented", "right"):
            entry[value] = _json(bootstrap.figure(Ratio([(float(one == value), 1.0) for one in said])))
        return entry
    plain = [_content(run.scores[task.place]) for task in tasks]
    scores = [score_answer(questions[task.place], reply, run.arm) for task, reply in zip(tasks, replies, strict=True)]
    changed = [_content(score) for score in scores]
    left, right = Ratio(changed), Ratio(plain)
    return entry | {
        "plain": _json(bootstrap.figure(right)),
        "figure": _json(bootstrap.figure(left)),
        "difference": _json(bootstrap.difference(left, right)),
    }


def _content(score: Score) -> tuple[float, float]:
    """Field exact match, or prose F1 where the answer is prose; (0, 0) where neither applies."""
    value = score.field_em if score.field_em is not None else score.prose_f1
    return (0.0, 0.0) if value is None else (value, 1.0)


def _json(figure: Figure | None) -> dict[str, Any] | None:
    return None if figure is None else figure.rounded()
