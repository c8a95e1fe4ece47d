"""HTML of a lab's misses: how many of each class, what helps, and the misses themselves. Knows no Gradio."""

from core.lab_desk import Collecting, LabErrors, MissClassRow, MissRow
from ui.lab_words import arm_words, class_words
from ui.language import several, spoken, t
from ui.safe_html import escape


def misses_html(found: LabErrors, kind: str | None) -> str:
    """The misses of one arm; those of `kind` are listed, or all."""
    missed = sum(row.count for row in found.classes)
    total = several(
        found.questions, "{missed} misses of {count} question", "{missed} misses of {count} questions", missed=missed
    )
    if not found.classes:
        return f'<p class="note">{escape(total)}</p><p class="empty">{escape(t("Nothing was missed."))}</p>'
    classes = "".join(_class(row, missed, on=row.kind == kind) for row in found.classes)
    shown = "".join(map(_miss, found.misses))
    more = found.found - len(found.misses)
    rest = f'<p class="note">{escape(t("{more} more are not shown.", more=more))}</p>' if more > 0 else ""
    return (
        f'<p class="note">{escape(arm_words(found.arm))}: {escape(total)}</p>'
        f'<ul class="classes" data-desk="lab">{classes}</ul><ol class="misses">{shown}</ol>{rest}'
    )


def collecting_html(state: Collecting) -> str:
    """How far the writing of examples is."""
    match state.state:
        case None:
            return ""
        case "running":
            share = f"{max(0.0, min(1.0, state.share)):.0%}"
            words = t("Examples are being written, {share} of the questions are asked.", share=share)
            bar = f'<div class="bar"><span style="width:{share}"></span></div>'
            return f'<p class="note" role="status">{escape(words)}</p>{bar}'
        case "done":
            words = t("Written: {counts}. Review them on the page Examples.", counts=spoken(state.detail))
            return f'<p class="note" role="status">{escape(words)}</p>'
        case _:
            words = spoken(state.detail) if state.detail else t("The writing of examples was stopped.")
            return f'<p class="trouble" role="alert">{escape(words)}</p>'


def _class(row: MissClassRow, missed: int, *, on: bool) -> str:
    width = 100 * row.count / max(missed, 1)
    button = (
        f'<button type="button" class="desk-action{" on" if on else ""}" value="class {escape(row.kind)}" '
        f'aria-pressed="{str(on).lower()}">{escape(class_words(row.kind))}</button>'
    )
    return (
        f'<li><span class="count">{row.count}</span>{button}'
        f'<span class="meter" aria-hidden="true"><span style="width:{width:.1f}%"></span></span>'
        f"<p>{escape(spoken(row.meaning))} <b>{escape(t('What helps:'))}</b> {escape(spoken(row.remedy))} "
        f"<code>{escape(row.command)}</code></p></li>"
    )


def _miss(row: MissRow) -> str:
    parts = [
        (t("Expected"), t("a refusal") if row.expected == "a refusal" else row.expected),
        (t("Answered"), t("a refusal") if row.said == "(refused)" else row.said),
        *((t("Evidence"), evidence) for evidence in row.evidence),
    ]
    lines = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in parts)
    return (
        f"<li><details><summary>{escape(row.question)} "
        f'<span class="badge neutral">{escape(class_words(row.kind))}</span></summary><dl>{lines}</dl></details></li>'
    )
