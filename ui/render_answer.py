"""HTML of questions and answers in the chat: the text as its format wants it, a badge, a footer. Knows no Gradio.

Gradio strips `data-` and `aria-` attributes from messages, so buttons say what they are about in `value`, and the
page's script adds what screen readers need.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from core.turns import Turn
from core.types import STRUCTURED, Answer
from ui.choices import arm_label
from ui.language import several, spoken, t
from ui.measures import seconds
from ui.render_sources import source_id
from ui.safe_html import Link, code, escape, markdown, plain
from ui.talk import Mark

_UNMARKED = Mark()
_NO_MARKS: Mapping[str, Mark] = MappingProxyType({})


def messages(turns: Sequence[Turn], marks: Mapping[str, Mark] = _NO_MARKS) -> list[dict[str, str]]:
    """The conversation as chat messages, two for each turn; contents are HTML. `marks` by the turns' ids."""
    shown = []
    for index, turn in enumerate(turns):
        shown.append({"role": "user", "content": question_html(turn, index)})
        shown.append({"role": "assistant", "content": answer_html(turn, index, marks.get(turn.id, _UNMARKED))})
    return shown


def question_html(turn: Turn, index: int) -> str:
    """A question, and the button that takes it back into the box."""
    title = escape(t("Edit and ask again"))
    button = f'<button type="button" class="edit-question" value="{index}" title="{title}">{t("Edit")}</button>'
    return f"{plain(turn.question.text)}{button}"


def answer_html(turn: Turn, index: int, mark: Mark = _UNMARKED) -> str:
    """One answer, complete or not; `index` counts turns from 0 and names the anchors of its sources."""
    if turn.state == "failed":
        reason = escape(spoken(turn.error or ""))
        return f'<div class="answer failed" role="alert"><strong>{t("No answer.")}</strong> {reason}</div>'
    body = body_html(turn, index)
    if turn.running:
        return f'<div class="answer running">{body}{progress_html(turn)}</div>'
    return f'<div class="answer">{body}{_footer(turn, index, mark)}</div>'


def body_html(turn: Turn, index: int | None) -> str:
    """The text of an answer as its format wants it; its marks lead to the sources of turn `index`, if it has any."""
    if not turn.text:
        return ""
    format = turn.question.format
    if format in STRUCTURED:
        return code(turn.text, format)
    draw = markdown if format == "markdown" else plain
    return draw(_said(turn), None if index is None else _link(turn, index))


def _said(turn: Turn) -> str:
    """The text of an answer. Where passages take the place of one, what says so is in the reader's language."""
    if turn.answer is None or not turn.answer.degraded:
        return turn.text
    label, gap, passages = turn.text.partition("\n\n")
    return spoken(label) + gap + passages


def _link(turn: Turn, index: int) -> Link:
    numbers = {passage.number for passage in turn.passages or ()}
    return lambda number: f"#{source_id(index, number)}" if number in numbers else None


def progress_html(turn: Turn, *, quiet: bool = False) -> str:
    """What is going on with a running answer; `quiet`: without telling how it is made."""
    if turn.text:
        return '<span class="caret"></span>'
    words = t("Searching the documents") if turn.state in {"waiting", "searching"} else _writing(turn)
    if quiet or (turn.state == "waiting" and not turn.question.arm.retrieval):
        words = t("Writing")
    if turn.seconds >= 1:
        words = t(", ").join([words, seconds(turn.seconds, 0)])
    return f'<div class="pending">{escape(words)}<span class="dots"><i></i><i></i><i></i></span></div>'


def _writing(turn: Turn) -> str:
    """What is going on once the search is over."""
    if turn.passages is None:
        return t("Writing")
    count = len(turn.passages)
    return several(count, "{count} passage found. Writing", "{count} passages found. Writing")


def _footer(turn: Turn, index: int, mark: Mark) -> str:
    parts = badges(turn)
    if turn.passages:
        cited = len(turn.answer.citations) if turn.answer else 0
        words = _count(cited, len(turn.passages))
        parts.append(
            f'<a class="open-sources" href="#{source_id(index)}" title="{escape(t("Show the sources"))}">{words}</a>'
        )
    parts.append(f'<span class="how">{escape(_how(turn))}</span>')
    if turn.text:
        title = escape(t("Copy the answer"))
        parts.append(f'<button type="button" class="copy-answer" title="{title}">{t("Copy")}</button>')
    if turn.text and turn.question.format in STRUCTURED:
        button = f'button type="button" class="save-answer" title="{escape(t("Download the answer"))}"'
        parts.append(f'<{button} value="answer.{turn.question.format}">{t("Download")}</button>')
    if turn.text and not (turn.answer and turn.answer.degraded):
        parts.append(_rating(index, mark))
    return f'<div class="foot">{"".join(part for part in parts if part)}</div>'


def _rating(index: int, mark: Mark) -> str:
    buttons = (
        ("up", "", t("Good answer"), mark.verdict == "up"),
        ("down", "", t("Bad answer"), mark.verdict == "down"),
        ("correct", t("Corrected") if mark.corrected else t("Correct"), t("Write the right answer"), mark.corrected),
    )
    inside = "".join(
        f'<button type="button" class="rate-answer {verdict}{" on" if pressed else ""}" value="{index} {verdict}" '
        f'title="{escape(title)}">{words}</button>'
        for verdict, words, title, pressed in buttons
    )
    return f'<span class="rating" role="group" title="{escape(t("Rate this answer"))}">{inside}</span>'


def badges(turn: Turn) -> list[str]:
    """What is to be known of an answer that has ended: stopped, valid or not, refused, cut off."""
    found = [_tag("neutral", t("Stopped"))] if turn.state == "stopped" else []
    if turn.answer is not None:
        found.append(_badge(turn.answer))
        if turn.answer.finish_reason == "length":
            found.append(_tag("warn", t("Cut off at the length limit")))
    return [badge for badge in found if badge]


def _badge(answer: Answer) -> str:
    if answer.degraded:
        return _tag("warn", t("Passages only: the model is not running"))
    if answer.format not in STRUCTURED:
        return _tag("neutral", t("Not in the documents")) if answer.refused and answer.passages else ""
    name = answer.format.upper()
    if answer.refused:
        return _tag("neutral", t("Not in the documents (valid {format})", format=name))
    if answer.valid:
        shape = (answer.schema_name or "").replace("_", " ")
        said = t("Valid {format}: {shape}", format=name, shape=shape) if shape else t("Valid {format}", format=name)
        return _tag("good", said)
    wrong = answer.answer is not None
    return _tag("bad", t("{format} of the wrong shape", format=name) if wrong else t("Not valid {format}", format=name))


def _tag(kind: str, words: str) -> str:
    return f'<span class="badge {kind}">{escape(words)}</span>'


def _how(turn: Turn) -> str:
    parts = [arm_label(turn.question.arm.name)]
    if turn.answer is not None and "@" in turn.answer.model:
        parts.append(turn.answer.model)
    if turn.seconds:
        parts.append(seconds(turn.seconds))
    return " · ".join(parts)


def _count(cited: int, found: int) -> str:
    if not cited:
        return several(found, "{count} source found", "{count} sources found")
    return several(found, "{cited} of {count} source cited", "{cited} of {count} sources cited", cited=cited)
