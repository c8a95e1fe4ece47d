"""The arena's tab: layout and wiring. What happens stands in `arena`, what is shown in `render_arena`."""

import gradio as gr

from core.feedback_store import FeedbackStore
from core.service import DomainService
from core.types import STRUCTURED
from ui import choices
from ui.arena import Arena, Contest, Referee
from ui.arena_parts import ArenaParts
from ui.language import t
from ui.quiet import AT_ONCE, QUIET
from ui.render_arena import LETTERS, cards_html
from ui.render_status import line_html
from ui.selectors import corpus_selector, format_selector, schema_selector


def build_arena(service: DomainService) -> ArenaParts:
    """Create the components inside the current Gradio context."""
    pack = service.pack
    format = choices.default_format(pack)
    corpora = choices.corpus_choices(service.corpora(), pack)
    contest, referee = gr.State(Contest()), gr.State(Referee())
    with gr.Row(elem_id="arena", equal_height=False):
        with gr.Column(elem_id="arena-side", min_width=0):
            contestants = gr.Dropdown(
                [],
                label=t("Who answers"),
                info=t("Two to four ways of answering."),
                multiselect=True,
                max_choices=len(LETTERS),
                filterable=False,
                elem_id="contestants",
            )
            answers = format_selector(pack, format, "arena-format")
            schema = schema_selector(pack, format, "arena-schema")
            corpus = corpus_selector(corpora, "arena-corpus", visible=len(corpora) > 1)
            blind = gr.Checkbox(
                value=True,
                label=t("Hide who is who until I vote"),
                info=t("So that you judge the answer, not its name."),
                elem_id="blind",
            )
        with gr.Column(elem_id="arena-main", min_width=0):
            with gr.Row(elem_classes="asking", equal_height=True):
                box = gr.Textbox(
                    label=t("Question for all"),
                    show_label=False,
                    container=False,
                    placeholder=t("Ask all of them one question"),
                    lines=1,
                    max_lines=4,
                    max_length=4000,
                    elem_id="arena-question",
                )
                ask = gr.Button(t("Ask all"), variant="primary", elem_id="arena-ask", min_width=0)
                stop = gr.Button(t("Stop all"), variant="stop", elem_id="arena-stop", min_width=0, visible=False)
            line = gr.HTML(line_html(""), elem_id="arena-line", js_on_load=None)
            cards = gr.HTML(cards_html([], revealed=True), elem_id="arena-cards", js_on_load=None)
            with gr.Row(visible=False, elem_id="votes") as votes:
                best = tuple(
                    gr.Button(t("{letter} is best", letter=letter), min_width=0, size="md") for letter in LETTERS
                )
                tie = gr.Button(t("Equally good"), min_width=0, size="md")
                none = gr.Button(t("None is good"), min_width=0, size="md")
            gr.HTML(f"<h2>{t('Who wins')}</h2>", js_on_load=None, elem_classes="heading")
            table = gr.HTML(elem_id="standings", js_on_load=None)
    return ArenaParts(
        contest=contest,
        referee=referee,
        box=box,
        ask=ask,
        stop=stop,
        line=line,
        contestants=contestants,
        format=answers,
        schema=schema,
        corpus=corpus,
        blind=blind,
        cards=cards,
        votes=votes,
        best=best,
        tie=tie,
        none=none,
        standings=table,
    )


def wire_arena(service: DomainService, feedback: FeedbackStore, tab: gr.Tab, parts: ArenaParts) -> None:
    """Connect the components to what happens."""
    arena = Arena(service, feedback, parts)
    tab.select(arena.refresh, parts.contestants, [parts.contestants, parts.standings, parts.line], **AT_ONCE)
    asked = [parts.box, parts.contestants, parts.format, parts.schema, parts.corpus, parts.blind, parts.contest]
    start = gr.on([parts.box.submit, parts.ask.click], arena.ask, asked, parts.shown, **AT_ONCE)
    start.then(arena.run, [parts.contest, parts.referee], parts.shown, concurrency_id="answer", **QUIET)
    parts.stop.click(arena.halt, parts.referee, None, **AT_ONCE)
    parts.format.change(lambda name: gr.update(visible=name in STRUCTURED), parts.format, parts.schema, **AT_ONCE)
    buttons = [*enumerate(parts.best), ("tie", parts.tie), ("none", parts.none)]
    for choice, button in buttons:
        said = gr.State(str(choice))
        button.click(arena.vote, [parts.contest, said], [*parts.shown, parts.standings], **AT_ONCE)
