"""HTML of the lab's page: what runs, earlier labs, a report in its frame, two labs compared. Knows no Gradio."""

from collections.abc import Sequence
from urllib.parse import quote

from core.lab_desk import ComparedFigure, LabComparison, LabFigure, LabRunRow
from ui.lab_words import arm_words, measure_words, percent, points
from ui.language import marked, several, spoken, t
from ui.places import here
from ui.safe_html import escape

REPORTS = "/lab-reports"
_STATES = {
    "running": (marked("running"), "neutral"),
    "done": (marked("done"), "good"),
    "failed": (marked("failed"), "bad"),
    "stopped": (marked("stopped"), "warn"),
}


def report_path(run: str) -> str:
    """The address of a lab's report."""
    return here(f"{REPORTS}/{quote(run, safe='')}/report.html")


def running_html(rows: Sequence[LabRunRow]) -> str:
    """The lab that runs: what it is at, how far, how long it will take. Nothing where none does."""
    row = next((row for row in rows if row.state == "running"), None)
    if row is None:
        return ""
    share = f"{max(0.0, min(1.0, row.share)):.0%}"
    left = f" · {_time_left(row.seconds_left)}" if row.seconds_left is not None else ""
    stage = arm_words(row.stage) if row.stage in row.arms else spoken(row.stage)
    ask = escape(t("Cancel this lab? What was answered is kept, and it can go on later."))
    button = f'<button type="button" class="desk-action bad" value="cancel" data-source="{escape(row.name)}"'
    now = f"<b>{escape(t('Running'))}</b> {escape(stage)}"
    return (
        f'<div class="running" data-desk="lab" role="status"><p class="now">{now}'
        f'<span class="left">{share}{escape(left)}</span></p>'
        f'<div class="bar"><span style="width:{share}"></span></div>'
        f'{button} data-ask="{ask}">{escape(t("Cancel"))}</button></div>'
    )


def runs_html(rows: Sequence[LabRunRow], opened: str | None) -> str:
    """Earlier labs, newest first."""
    finished = [row for row in rows if row.state != "running"]
    if not finished:
        return f'<p class="empty">{escape(t("No lab yet. Choose ways of answering and start one."))}</p>'
    heads = (t("Lab run"), t("State"), t("Questions"), t("Result"), t("Actions"))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(_row(row, opened=row.name == opened) for row in finished)
    return f'<table class="labs" data-desk="lab"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def report_html(run: str) -> str:
    """A report in a frame in which nothing can run; it scrolls by itself."""
    address = escape(report_path(run))
    title = escape(t("Report of lab {run}", run=run))
    close = f'<button type="button" class="desk-action" value="close">{escape(t("Close"))}</button>'
    apart = f'<a href="{address}" target="_blank" rel="noopener">{escape(t("Open by itself"))}</a>'
    return (
        f'<section class="opened" data-desk="lab" aria-label="{title}" tabindex="-1">'
        f"<header><h3>{title}</h3>{apart}{close}</header>"
        f'<iframe class="report" src="{address}" title="{title}" sandbox="" loading="lazy"></iframe></section>'
    )


def comparison_html(found: LabComparison) -> str:
    """Two labs, figure by figure."""
    worse = [figure for figure in found.figures if figure.regressed]
    verdict = (
        several(len(worse), "{count} figure has clearly become worse.", "{count} figures have clearly become worse.")
        if worse
        else t("Nothing has clearly become worse.")
    )
    heads = (t("Way of answering"), t("Figure"), t("Before"), t("After"), t("Difference"), t("Questions"), "")
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(map(_compared, found.figures))
    notes = []
    if found.left_out:
        arms = t(", ").join(map(arm_words, found.left_out))
        notes.append(t("In one of them only: {arms}.", arms=arms))
    if not found.same_test_set:
        notes.append(t("The test sets differ: compared on the questions of both."))
    shown = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    kind = "bad" if worse else "good"
    return (
        f'<p class="verdict"><span class="badge {kind}">{escape(verdict)}</span></p>'
        f'<div class="scroll"><table class="compared"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        f"{shown}"
    )


def lab_label(row: LabRunRow) -> str:
    """A lab as a choice."""
    count = "" if row.questions is None else several(row.questions, "{count} question", "{count} questions")
    return t(", ").join(part for part in (_when(row), count) if part)


def _row(row: LabRunRow, *, opened: bool) -> str:
    words, kind = _STATES[row.state]
    name = escape(row.name)
    button = f'button type="button" class="desk-action" data-source="{name}"'
    actions = ""
    if row.report:
        actions += f'<{button} value="report">{escape(t("Report"))}</button>'
    if row.state == "done":
        actions += f'<{button} value="errors">{escape(t("Misses"))}</button>'
    else:
        actions += f'<{button} value="go_on">{escape(t("Go on"))}</button>'
    about = [f'<span class="reason">{escape(spoken(row.detail))}</span>'] if row.detail else []
    if row.adapter:
        about.append(f'<span class="title">{escape(t("Adapter {name}", name=row.adapter))}</span>')
    asked = "" if row.questions is None else f"{row.questions:,}"
    result = _figures(row.figures, row.measure) if row.figures else escape(t(", ").join(map(arm_words, row.arms)))
    badge = f'<span class="badge {kind}">{escape(t(words))}</span>'
    classes = f"{row.state} opened" if opened else row.state
    return (
        f'<tr class="{classes}"><th scope="row">{escape(_when(row))}{"".join(about)}</th>'
        f'<td>{badge}</td><td data-label="{escape(t("Questions"))}">{asked}</td><td class="result">{result}</td>'
        f'<td class="actions">{actions}</td></tr>'
    )


def _figures(figures: Sequence[LabFigure], measure: str) -> str:
    """Arms in the figure they are compared by, best first, each as a bar with its interval."""
    ordered = sorted(figures, key=lambda figure: -(figure.mean if figure.mean is not None else -1.0))
    items = "".join(_bar(figure) for figure in ordered)
    return f'<span class="measure">{escape(measure_words(measure))}</span><ul class="figures">{items}</ul>'


def _bar(figure: LabFigure) -> str:
    interval = ""
    if figure.mean is not None and figure.low is not None and figure.high is not None:
        interval = f" [{percent(figure.low)}, {percent(figure.high)}]"
    width = 100 * (figure.mean or 0.0)
    return (
        f'<li><span class="name">{escape(arm_words(figure.arm))}</span>'
        f'<span class="meter" aria-hidden="true"><span style="width:{width:.1f}%"></span></span>'
        f'<span class="value">{percent(figure.mean)}{interval}</span></li>'
    )


def _compared(figure: ComparedFigure) -> str:
    verdict = ""
    if figure.regressed:
        verdict = f'<span class="badge bad">{escape(t("worse"))}</span>'
    elif figure.low > 0:
        verdict = f'<span class="badge good">{escape(t("better"))}</span>'
    difference = f"{points(figure.mean)} [{points(figure.low)}, {points(figure.high)}]"
    return (
        f'<tr><th scope="row">{escape(arm_words(figure.arm))}</th><td>{escape(measure_words(figure.measure))}</td>'
        f"<td>{percent(figure.before)}</td><td>{percent(figure.after)}</td><td>{difference}</td><td>{figure.n}</td>"
        f"<td>{verdict}</td></tr>"
    )


def _when(row: LabRunRow) -> str:
    """When a lab was run, to the minute."""
    return row.created[:16].replace("T", " ") if row.created else row.name


def _time_left(seconds: float) -> str:
    if seconds < 90:
        return several(max(1, round(seconds)), "{count} second left", "{count} seconds left")
    return several(round(seconds / 60), "{count} minute left", "{count} minutes left")
