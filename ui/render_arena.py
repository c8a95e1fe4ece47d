"""HTML of the arena: answers side by side, and the table of who won how often. Knows no Gradio."""

from collections.abc import Sequence

from core.document_links import place_path
from core.standings import Standing, contestant
from core.turns import Turn
from ui.choices import arm_label
from ui.render_answer import badges, body_html, progress_html
from ui.safe_html import escape

LETTERS = "ABCD"


def cards_html(turns: Sequence[Turn], *, revealed: bool, winner: int | None = None) -> str:
    """The answers, one card each; who wrote them is said when `revealed`."""
    if not turns:
        return (
            '<p class="empty">Ask one question, get several answers side by side, and say which is best. '
            "Who wrote them shows after your vote.</p>"
        )
    cards = "".join(
        _card(turn, letter, revealed=revealed, won=winner == number)
        for number, (turn, letter) in enumerate(zip(turns, LETTERS, strict=False))
    )
    question = escape(" ".join(turns[0].question.text.split()))
    return f'<h2 class="contested">{question}</h2><div class="cards n{len(turns)}">{cards}</div>'


def standings_html(found: Sequence[Standing]) -> str:
    """The table of win rates, with their intervals as bars."""
    if not found:
        return '<p class="empty">No votes yet.</p>'
    rows = "".join(_row(one) for one in found)
    return (
        '<table class="standings"><thead><tr><th scope="col">Answers</th><th scope="col">Votes</th>'
        f'<th scope="col">Won</th><th scope="col">95% interval</th></tr></thead><tbody>{rows}</tbody></table>'
        '<p class="note">Won: the share of votes, where one without a winner counts half. Votes of all users.</p>'
    )


def contestant_words(turn: Turn) -> str:
    """Who answered, in words."""
    arm, adapter = contestant(turn)
    return f"{arm_label(arm)}, {adapter}" if adapter else arm_label(arm)


def _card(turn: Turn, letter: str, *, revealed: bool, won: bool) -> str:
    name = f'<span class="who">{escape(contestant_words(turn))}</span>' if revealed else ""
    tag = '<span class="badge good">Your choice</span>' if won else ""
    head = f'<header><span class="letter">{letter}</span>{name}{tag}</header>'
    if turn.state == "failed":
        inside = f'<div class="answer failed" role="alert">{escape(turn.error or "")}</div>'
    else:
        progress = progress_html(turn, quiet=not revealed) if turn.running else ""
        foot = "" if turn.running else _foot(turn, revealed=revealed)
        inside = f'<div class="answer">{body_html(turn, None)}{progress}</div>{foot}'
    return f'<article class="card{" won" if won else ""}" aria-label="Answer {letter}">{head}{inside}</article>'


def _foot(turn: Turn, *, revealed: bool) -> str:
    spent = f'<div class="foot">{"".join(badges(turn))}{_spent(turn) if revealed else ""}</div>'
    cited = turn.answer.citations if turn.answer else []
    items = "".join(
        f'<li><a class="document" href="{escape(place_path(one, turn.corpus or ""))}" target="_blank" rel="noopener">'
        f'<span class="number">{one.number}</span> {escape(one.source)}</a>'
        f'<q title="{escape(one.quote)}">{escape(one.quote)}</q></li>'
        for one in cited
    )
    return spent + (f'<ul class="cited-list">{items}</ul>' if items else '<p class="none-cited">No source cited.</p>')


def _spent(turn: Turn) -> str:
    parts = [f"{turn.seconds:.1f} s"]
    if turn.answer is not None and turn.answer.usage.completion_tokens:
        usage = turn.answer.usage
        parts.append(f"{usage.prompt_tokens:,} tokens read, {usage.completion_tokens:,} written")
    return f'<span class="how">{" · ".join(parts)}</span>'


def _row(one: Standing) -> str:
    name = escape(arm_label(one.arm)) + (f' <span class="adapter">{escape(one.adapter)}</span>' if one.adapter else "")
    low, high, rate = one.low * 100, one.high * 100, one.rate * 100
    bar = (
        f'<span class="interval" aria-hidden="true"><i style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
        f'<b style="left:{rate:.1f}%"></b></span>'
    )
    return (
        f'<tr><th scope="row">{name}</th><td>{one.votes}</td><td>{rate:.0f}%</td>'
        f"<td>{bar}<span>{low:.0f} to {high:.0f}%</span></td></tr>"
    )
