"""HTML of the arena: answers side by side, and the table of who won how often. Knows no Gradio."""

from collections.abc import Sequence

from core.document_links import place_path
from core.standings import Standing, contestant
from core.turns import Turn
from ui.choices import arm_label
from ui.language import marked, spoken, t
from ui.measures import seconds, tokens
from ui.render_answer import badges, body_html, progress_html
from ui.safe_html import escape

LETTERS = "ABCD"
_INVITATION = marked(
    "Ask one question, get several answers side by side, and say which is best. Who wrote them shows after your vote."
)
_WON_HELP = marked("Won: the share of votes, where one without a winner counts half. Votes of all users.")


def cards_html(turns: Sequence[Turn], *, revealed: bool, winner: int | None = None) -> str:
    """The answers, one card each; who wrote them is said when `revealed`."""
    if not turns:
        return f'<p class="empty">{t(_INVITATION)}</p>'
    cards = "".join(
        _card(turn, letter, revealed=revealed, won=winner == number)
        for number, (turn, letter) in enumerate(zip(turns, LETTERS, strict=False))
    )
    question = escape(" ".join(turns[0].question.text.split()))
    return f'<h2 class="contested">{question}</h2><div class="cards n{len(turns)}">{cards}</div>'


def standings_html(found: Sequence[Standing]) -> str:
    """The table of win rates, with their intervals as bars."""
    if not found:
        return f'<p class="empty">{t("No votes yet.")}</p>'
    rows = "".join(_row(one) for one in found)
    heads = (t("Answers"), t("Votes"), t("Won"), t("95% interval"))
    head = "".join(f'<th scope="col">{escape(words)}</th>' for words in heads)
    table = f'<table class="standings"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'{table}<p class="note">{t(_WON_HELP)}</p>'


def contestant_words(turn: Turn) -> str:
    """Who answered, in words."""
    arm, adapter = contestant(turn)
    return t(", ").join([arm_label(arm), adapter]) if adapter else arm_label(arm)


def _card(turn: Turn, letter: str, *, revealed: bool, won: bool) -> str:
    name = f'<span class="who">{escape(contestant_words(turn))}</span>' if revealed else ""
    tag = f'<span class="badge good">{t("Your choice")}</span>' if won else ""
    head = f'<header><span class="letter">{letter}</span>{name}{tag}</header>'
    if turn.state == "failed":
        inside = f'<div class="answer failed" role="alert">{escape(spoken(turn.error or ""))}</div>'
    else:
        progress = progress_html(turn, quiet=not revealed) if turn.running else ""
        foot = "" if turn.running else _foot(turn, revealed=revealed)
        inside = f'<div class="answer">{body_html(turn, None)}{progress}</div>{foot}'
    name = escape(t("Answer {letter}", letter=letter))
    return f'<article class="card{" won" if won else ""}" aria-label="{name}">{head}{inside}</article>'


def _foot(turn: Turn, *, revealed: bool) -> str:
    spent = f'<div class="foot">{"".join(badges(turn))}{_spent(turn) if revealed else ""}</div>'
    cited = turn.answer.citations if turn.answer else []
    items = "".join(
        f'<li><a class="document" href="{escape(place_path(one, turn.corpus or ""))}" target="_blank" rel="noopener">'
        f'<span class="number">{one.number}</span> {escape(one.source)}</a>'
        f'<q title="{escape(one.quote)}">{escape(one.quote)}</q></li>'
        for one in cited
    )
    return spent + (
        f'<ul class="cited-list">{items}</ul>' if items else f'<p class="none-cited">{t("No source cited.")}</p>'
    )


def _spent(turn: Turn) -> str:
    parts = [seconds(turn.seconds)]
    if turn.answer is not None and turn.answer.usage.completion_tokens:
        usage = turn.answer.usage
        parts.append(tokens(usage.prompt_tokens, usage.completion_tokens))
    return f'<span class="how">{" · ".join(parts)}</span>'


def _row(one: Standing) -> str:
    name = escape(arm_label(one.arm)) + (f' <span class="adapter">{escape(one.adapter)}</span>' if one.adapter else "")
    low, high, rate = one.low * 100, one.high * 100, one.rate * 100
    bar = (
        f'<span class="interval" aria-hidden="true"><i style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
        f'<b style="left:{rate:.1f}%"></b></span>'
    )
    interval = t("{low} to {high}%", low=f"{low:.0f}", high=f"{high:.0f}")
    return (
        f'<tr><th scope="row">{name}</th><td>{one.votes}</td><td>{rate:.0f}%</td>'
        f"<td>{bar}<span>{interval}</span></td></tr>"
    )
