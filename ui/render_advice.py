"""HTML of the advisor's page: recommendation, order, questions, methods. Knows no Gradio and no rule."""

from collections.abc import Sequence

from core.advice_desk import AdviceMethod, AdviceQuestion, AdviceShown, AdviceStep
from ui.language import marked, spoken, t
from ui.places import here
from ui.safe_html import escape

DOWNLOADS = "/advice"
_ANSWERS = {"yes": marked("yes"), "no": marked("no"), "unknown": marked("open")}
_SOURCES = {"measured": marked("measured here"), "said": marked("as answered"), "nobody": marked("nobody has said")}
_BADGES = {"yes": "good", "no": "neutral", "not yet": "warn"}


def advice_html(found: AdviceShown) -> str:
    """What is advised: the arm with its gain, the price, what would change it, what to try and to collect."""
    cautions = "".join(
        f'<p class="caution"><b>{escape(t("Caution:"))}</b> {escape(spoken(one))}</p>' for one in found.cautions
    )
    costs = "".join(
        f"<div><dt>{escape(spoken(label))}</dt><dd>{escape(spoken(text))}</dd></div>" for label, text in found.costs
    )
    rests = (
        t("It rests on lab {name}.", name=found.lab) if found.lab else t("No lab has been run: it is a guess so far.")
    )
    return (
        f'<section class="verdict"><p class="lead">{escape(spoken(found.headline))} '
        f'<span class="badge {_BADGES[found.fine_tune]}">{escape(_bare(found.short))}</span></p>'
        f"<p>{escape(spoken(found.because))}</p>"
        + (f"<p>{escape(spoken(found.status))}</p>" if found.status else "")
        + f'{cautions}<p class="note">{escape(rests)}</p></section>'
        f"{_section(t('What it takes'), f'<dl>{costs}</dl>')}"
        f"{_section(t('What to try, in this order'), _steps(found.order, 'ol'))}"
        f"{_section(t('What to collect next'), _steps(found.next_data, 'ul') or _nothing())}"
        f"{_section(t('What would change the decision'), _list(found.would_change))}"
    )


def questions_html(found: AdviceShown, *, may_answer: bool) -> str:
    """The nine questions and what is weighed beside them, each with its evidence, and a choice for who may answer."""
    nine = "".join(_question(row, may_answer=may_answer) for row in found.questions)
    beside = "".join(_question(row, may_answer=may_answer) for row in found.weighed)
    weighed = f'<h3>{escape(t("Weighed beside them"))}</h3><ol class="advice-questions">{beside}</ol>' if beside else ""
    return f'<div data-desk="advice"><ol class="advice-questions">{nine}</ol>{weighed}</div>'


def methods_html(found: AdviceShown) -> str:
    """The methods: general guidance, and what was measured here beside it."""
    heads = (t("Method"), t("Measured here"), *(spoken(name) for name in found.columns))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(_method(row) for row in found.methods)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(t("The methods"))}">'
        f'<table class="methods"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def downloads_html() -> str:
    """Links to the advice as files."""
    names = (("md", "Markdown"), ("html", "HTML"), ("json", "JSON"))
    links = "".join(f'<a href="{here(DOWNLOADS)}/advice.{kind}" download>{name}</a>' for kind, name in names)
    return f'<p class="downloads"><span>{escape(t("Download:"))}</span>{links}</p>'


def _question(row: AdviceQuestion, *, may_answer: bool) -> str:
    kind = {"yes": "good", "no": "neutral", "unknown": "warn"}[row.answer]
    choices = "".join(
        _choice(row, words, value, on=row.said is said)
        for words, value, said in ((t("Yes"), "yes", True), (t("No"), "no", False), (t("Leave open"), "open", None))
    )
    question = spoken(row.question)
    name = escape(t("Your answer: {question}", question=question))
    badge = f'<span class="badge {kind}">{escape(t(_ANSWERS[row.answer]))}</span>'
    answers = (
        f'<p class="advice-answers" role="group" aria-label="{name}">'
        f"<span>{escape(t('Your answer:'))}</span>{choices}</p>"
    )
    return (
        f'<li><p class="advice-asked">{escape(question)} {badge} '
        f'<span class="advice-from">{escape(t(_SOURCES[row.source]))}</span></p>'
        f'<p class="advice-evidence">{escape(spoken(row.evidence))}</p>'
        f'<p class="advice-means"><b>{escape(t("Speaks for:"))}</b> {escape(spoken(row.means))}</p>'
        + (answers if may_answer else "")
        + "</li>"
    )


def _choice(row: AdviceQuestion, words: str, value: str, *, on: bool) -> str:
    return (
        f'<button type="button" class="desk-action{" on" if on else ""}" value="{value}" '
        f'data-source="{escape(row.key)}" aria-pressed="{str(on).lower()}">{escape(words)}</button>'
    )


def _steps(steps: Sequence[AdviceStep], kind: str) -> str:
    if not steps:
        return ""
    return f"<{kind}>{''.join(map(_step, steps))}</{kind}>"


def _step(step: AdviceStep) -> str:
    measured = f' <span class="measured">{escape(spoken(step.measured))}</span>' if step.measured else ""
    command = f" <code>{escape(step.command)}</code>" if step.command else ""
    return f"<li><b>{escape(spoken(step.what))}</b>{measured}<br>{escape(spoken(step.why))}{command}</li>"


def _method(row: AdviceMethod) -> str:
    cells = "".join(f"<td>{escape(spoken(cell))}</td>" for cell in row.cells)
    name, measured = escape(spoken(row.name)), escape(spoken(row.measured))
    return f'<tr><th scope="row">{name}</th><td class="measured">{measured}</td>{cells}</tr>'


def _list(texts: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(spoken(text))}</li>' for text in texts)}</ul>" if texts else _nothing()


def _nothing() -> str:
    return f'<p class="note">{escape(t("Nothing in particular."))}</p>'


def _section(title: str, inside: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inside}</section>"


def _bare(sentence: str) -> str:
    """A sentence as a badge has it: without its full stop."""
    return spoken(sentence).rstrip(".。")
