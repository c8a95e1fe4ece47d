"""HTML of questions and answers in the chat: the text as its format wants it, a badge, a footer. Knows no Gradio."""

from collections.abc import Sequence

from core.types import STRUCTURED, Answer
from ui.choices import arm_label
from ui.render_sources import source_id
from ui.safe_html import Link, code, escape, markdown, plain
from ui.turns import Turn


def messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """The conversation as chat messages, two for each turn; contents are HTML."""
    shown = []
    for index, turn in enumerate(turns):
        shown.append({"role": "user", "content": plain(turn.question.text)})
        shown.append({"role": "assistant", "content": answer_html(turn, index)})
    return shown


def answer_html(turn: Turn, index: int) -> str:
    """One answer, complete or not; `index` counts turns from 0 and names the anchors of its sources."""
    if turn.state == "failed":
        return f'<div class="answer failed" role="alert"><strong>No answer.</strong> {escape(turn.error or "")}</div>'
    body = _body(turn, index)
    if turn.running:
        return f'<div class="answer running">{body}{_progress(turn)}</div>'
    return f'<div class="answer">{body}{_footer(turn, index)}</div>'


def _body(turn: Turn, index: int) -> str:
    if not turn.text:
        return ""
    format = turn.question.format
    if format in STRUCTURED:
        return code(turn.text, format)
    draw = markdown if format == "markdown" else plain
    return draw(turn.text, _link(turn, index))


def _link(turn: Turn, index: int) -> Link:
    numbers = {passage.number for passage in turn.passages or ()}
    return lambda number: f"#{source_id(index, number)}" if number in numbers else None


def _progress(turn: Turn) -> str:
    if turn.text:
        return '<span class="caret"></span>'
    words = "Searching the documents" if turn.state in {"waiting", "searching"} else "Writing"
    if turn.state == "waiting" and not turn.question.arm.retrieval:
        words = "Writing"
    return f'<div class="pending">{words}<span class="dots"><i></i><i></i><i></i></span></div>'


def _footer(turn: Turn, index: int) -> str:
    parts = []
    if turn.state == "stopped":
        parts.append('<span class="badge neutral">Stopped</span>')
    if turn.answer is not None:
        parts.append(_badge(turn.answer))
        if turn.answer.finish_reason == "length":
            parts.append('<span class="badge warn">Cut off at the length limit</span>')
    if turn.passages:
        cited = len(turn.answer.citations) if turn.answer else 0
        words = _count(cited, len(turn.passages))
        parts.append(f'<a class="open-sources" href="#{source_id(index)}" title="Show the sources">{words}</a>')
    parts.append(f'<span class="how">{escape(_how(turn))}</span>')
    if turn.text:
        parts.append('<button type="button" class="copy-answer" title="Copy the answer">Copy</button>')
    return f'<div class="foot">{"".join(part for part in parts if part)}</div>'


def _badge(answer: Answer) -> str:
    if answer.degraded:
        return '<span class="badge warn">Passages only: the model is not running</span>'
    if answer.format not in STRUCTURED:
        return '<span class="badge neutral">Not in the documents</span>' if answer.refused and answer.passages else ""
    name = answer.format.upper()
    if answer.refused:
        return f'<span class="badge neutral">Not in the documents (valid {name})</span>'
    if answer.valid:
        shape = f": {escape(answer.schema_name.replace('_', ' '))}" if answer.schema_name else ""
        return f'<span class="badge good">Valid {name}{shape}</span>'
    problem = f"{name} of the wrong shape" if answer.answer is not None else f"Not valid {name}"
    return f'<span class="badge bad">{problem}</span>'


def _how(turn: Turn) -> str:
    parts = [arm_label(turn.question.arm.name)]
    if turn.answer is not None and "@" in turn.answer.model:
        parts.append(turn.answer.model)
    if turn.seconds:
        parts.append(f"{turn.seconds:.1f} s")
    return " · ".join(parts)


def _count(cited: int, found: int) -> str:
    sources = "source" if found == 1 else "sources"
    return f"{cited} of {found} {sources} cited" if cited else f"{found} {sources} found"
