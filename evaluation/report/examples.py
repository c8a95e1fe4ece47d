"""A few questions with the answers of every arm side by side: chosen by rule, errors included. Judges nothing."""

import json

from core.html import Html, el
from core.types import STRUCTURED, Answer, Example
from evaluation.misses import is_hit
from evaluation.report.tables import class_label
from evaluation.result import ArmRun, LabData


def choose(result: LabData, focus: str, against: str | None) -> list[tuple[str, int]]:
    """Up to eight questions (why, index), the first of each sort in file order: gains, losses, misses, refusals."""
    run = result.runs[focus]
    other = result.runs[against] if against else None
    hits = [is_hit(e, s) for e, s in zip(result.questions, run.scores, strict=True)]
    theirs = [is_hit(e, s) for e, s in zip(result.questions, other.scores, strict=True)] if other else hits
    chosen: dict[int, str] = {}

    def add(why: str, count: int, *, answerable: bool, structured: bool | None, hit: bool, their: bool | None) -> None:
        seen: set[str | None] = set()
        for index, example in enumerate(result.questions):
            kind = run.misses[index] or example.schema_name or example.format
            fits = example.answerable == answerable and hits[index] == hit and their in (None, theirs[index])
            fits = fits and structured in (None, example.format in STRUCTURED)
            if fits and index not in chosen and kind not in seen and len(seen) < count:
                seen.add(kind)
                chosen[index] = why

    if other is not None:
        add(f"{focus} right, {against} wrong", 2, answerable=True, structured=True, hit=True, their=False)
        add(f"{against} right, {focus} wrong", 1, answerable=True, structured=None, hit=False, their=True)
    add(f"{focus} wrong", 2, answerable=True, structured=True, hit=False, their=None)
    add("prose", 1, answerable=True, structured=False, hit=True, their=None)
    add("answered without evidence", 1, answerable=False, structured=None, hit=False, their=None)
    add("refused rightly", 1, answerable=False, structured=None, hit=True, their=None)
    return [(why, index) for index, why in chosen.items()]


def side_by_side(result: LabData, why: str, index: int, *, opened: bool) -> Html:
    """One question: what was expected, and every arm's answer with its verdict."""
    example = result.questions[index]
    cards = [_card(name, run, index) for name, run in result.runs.items()]
    return el(
        "details",
        el("summary", el("span", why, class_="why"), el("span", example.question, class_="question")),
        el(
            "div",
            _meta("Format", example.format + (f", schema {example.schema_name}" if example.schema_name else "")),
            _meta("Expected", "a refusal: the documents do not hold it" if not example.answerable else None),
            el("pre", _expected(example)) if example.answerable else None,
            [_meta("Evidence", f"{e.source}: “{e.quote}”") for e in example.evidence],
            class_="expected",
        ),
        el("div", cards, class_="cards"),
        open="" if opened else None,
    )


def _card(name: str, run: ArmRun, index: int) -> Html:
    outcome, score, miss = run.outcomes[index], run.scores[index], run.misses[index]
    if outcome.answer is None:
        return el("article", _head(name, "failed", "bad"), el("p", outcome.failure or "", class_="note"))
    verdict = class_label(miss) if miss else "right"
    share = score.field_em if score.field_em is not None else score.prose_f1
    if share is not None and miss:
        verdict += f", {100 * share:.0f}%"
    return el(
        "article",
        _head(name, verdict, "bad" if miss else "good"),
        el("pre", _said(outcome.answer)),
        el("p", _sources(outcome.answer, score.evidence), class_="note"),
    )


def _head(name: str, verdict: str, css: str) -> Html:
    return el("header", el("b", name), el("span", verdict, class_=f"badge {css}"))


def _meta(label: str, text: str | None) -> Html | None:
    return None if text is None else el("p", el("b", label), " ", text)


def _expected(example: Example) -> str:
    if isinstance(example.answer, dict):
        return json.dumps(example.answer, indent=2, ensure_ascii=False)
    return str(example.answer)


def _said(answer: Answer) -> str:
    if answer.refused:
        return answer.text if answer.format not in STRUCTURED else "(refused)"
    return answer.text or "(nothing)"


def _sources(answer: Answer, evidence: bool | None) -> str:
    parts = [f"{answer.usage.prompt_tokens} tokens in, {answer.usage.completion_tokens} out, {answer.seconds:.1f} s"]
    if answer.finish_reason == "length":
        parts.append("cut off")
    if evidence is not None:
        parts.append("evidence in the prompt" if evidence else "evidence not in the prompt")
    if answer.citations:
        parts.append("cites " + "; ".join(f"[{c.number}] {c.source} {c.locator}".strip() for c in answer.citations))
    return " · ".join(parts)
