"""The advice as one HTML file: it loads nothing from any address and runs no script; a policy in its head says so."""

from pathlib import Path

from advisor.advice import Advice
from advisor.markdown import (
    LABELS,
    SHORT_ANSWER,
    cost_lines,
    headline,
    measured_cell,
    measured_words,
    status_sentence,
)
from advisor.methods import columns
from core.html import Html, el, page


def to_html(advice: Advice, title: str) -> str:
    """The whole page. Every text from questions, documents and settings is escaped."""
    style = Path(__file__).with_name("advice.css").read_text(encoding="utf-8")
    heading = f"{title}: which of ICL, RAG and fine-tuning?"
    body = [
        _verdict(advice, heading),
        _section("What to try, in this order", el("ol", [_step(step) for step in advice.order])),
        _section(
            "What to collect next",
            el(
                "ul",
                [el("li", el("b", e["what"]), ". ", e["why"], " ", el("code", e["command"])) for e in advice.next_data],
            )
            if advice.next_data
            else el("p", "Nothing in particular."),
        ),
        _questions(advice),
        _methods(advice),
    ]
    return page(heading, style, body)


def _verdict(advice: Advice, heading: str) -> Html:
    found = advice.recommendation
    status = status_sentence(found)
    return el(
        "header",
        el("p", "Graft advisor", class_="eyebrow"),
        el("h1", heading),
        el("p", headline(found), " ", SHORT_ANSWER[found.fine_tune], class_="lead"),
        el("p", found.because),
        el("p", status) if status else None,
        [el("p", el("b", "Caution: "), text, class_="caution") for text in found.cautions],
        el("h2", "What it takes"),
        el("dl", [el("div", el("dt", label), el("dd", text)) for label, text in cost_lines(found)]),
        el("h2", "What would change the decision"),
        el("ul", [el("li", text) for text in found.would_change]),
    )


def _step(step: dict) -> Html:
    return el(
        "li", el("b", step["step"]), measured_words(step), ". ", step["because"], " ", el("code", step["command"])
    )


def _questions(advice: Advice) -> Html:
    rows = [
        el(
            "tr",
            el("th", question.question, scope="row"),
            el("td", el("span", question.answer, class_=f"badge {question.answer}")),
            el("td", question.evidence, el("span", _source(question.source), class_="sub")),
            el("td", question.means),
        )
        for question in (*advice.questions, *advice.recommendation.weighed)
    ]
    return _section("The questions", _table(("Question", "Answer", "Evidence", "Speaks for"), rows))


def _source(source: str) -> str:
    return {"measured": "found or measured here", "said": "as answered", "nobody": "open: --answer KEY=yes|no"}[source]


def _methods(advice: Advice) -> Html:
    rows = [
        el(
            "tr",
            el("th", row["name"], scope="row"),
            el("td", measured_cell(row), class_="measured"),
            [el("td", row[name]) for name in columns()],
        )
        for row in advice.recommendation.methods
    ]
    intro = el("p", "General guidance; what was measured for this domain stands beside it.", class_="sub")
    return _section("The methods", intro, _table(("", "Measured here", *(LABELS[name] for name in columns())), rows))


def _table(heads: tuple[str, ...], rows: list[Html]) -> Html:
    """A table that scrolls sideways by itself where it is wider than the page."""
    head = el("tr", [el("th", text, scope="col") for text in heads])
    table = el("table", el("thead", head), el("tbody", rows))
    return el("div", table, class_="scroll", tabindex="0", role="region", aria_label=heads[0] or heads[1])


def _section(title: str, *children: object) -> Html:
    return el("section", el("h2", title), list(children))
