"""The chat page: layout and wiring. What happens on an event stands in `handlers`, what is shown in `render_*`.

All state belongs to one browser session (`gr.State`, component values); the service is the only thing shared.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.service import DomainService
from ui.handlers import Handlers
from ui.render_page import masthead, welcome
from ui.render_sources import sources_html
from ui.render_status import line_html
from ui.settings_panel import SettingsPanel, build_settings
from ui.status_strip import build_status_strip
from ui.writing import Writing

# Answers that may be written at once; vLLM queues what it cannot batch.
CONCURRENT_ANSWERS = 64
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def build_page(service: DomainService) -> gr.Blocks:
    """Build the page over `service`. Theme and style sheet are given when it is mounted (`ui.mount`)."""
    pack = service.pack
    with gr.Blocks(title=f"{pack.title} · Graft", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(masthead(pack), elem_id="masthead", js_on_load=None)
        strip = gr.HTML(elem_id="status", js_on_load=None)
        with gr.Row(elem_id="workbench", equal_height=False):
            with gr.Column(elem_id="side", min_width=0), gr.Accordion("Settings", elem_id="settings"):
                panel = build_settings(service)
            with gr.Column(elem_id="chat", min_width=0):
                chat = gr.Chatbot(
                    label="Conversation",
                    show_label=False,
                    elem_id="conversation",
                    render_markdown=False,
                    sanitize_html=True,
                    allow_tags=False,
                    latex_delimiters=[],
                    feedback_options=None,
                    buttons=[],
                    layout="bubble",
                    height="100%",
                    placeholder=welcome(pack),
                    examples=[{"text": question} for question in pack.file.sample_questions],
                )
                with gr.Row(elem_id="composer", equal_height=True):
                    box = gr.Textbox(
                        label="Your question",
                        show_label=False,
                        container=False,
                        placeholder="Ask a question",
                        lines=1,
                        max_lines=6,
                        max_length=4000,
                        autofocus=True,
                        elem_id="question",
                    )
                    send = gr.Button("Send", variant="primary", elem_id="send", min_width=0)
                    stop = gr.Button("Stop", variant="stop", elem_id="stop", min_width=0, visible=False)
                with gr.Row(elem_id="below"):
                    line = gr.HTML(line_html(""), elem_id="line", js_on_load=None)
                    fresh = gr.Button("New conversation", size="sm", elem_id="fresh", min_width=0)
            with gr.Column(elem_id="aside", min_width=0):
                gr.HTML("<h2>Sources</h2>", elem_id="sources-title", js_on_load=None)
                sources = gr.HTML(sources_html([]), elem_id="sources", js_on_load=None)
        build_status_strip(service, page, strip, panel, send, line)
        turns = gr.State([])
        _wire(service, panel, _Parts(turns, chat, sources, line, send, stop, box, fresh))
    page.queue(default_concurrency_limit=CONCURRENT_ANSWERS, api_open=False)
    return page


@dataclass(frozen=True)
class _Parts:
    """The components that show a conversation and change it."""

    turns: gr.State
    chat: gr.Chatbot
    sources: gr.HTML
    line: gr.HTML
    send: gr.Button
    stop: gr.Button
    box: gr.Textbox
    fresh: gr.Button

    @property
    def shown(self) -> list[Any]:
        """The components that `handlers.show` gives values for, in its order."""
        return [self.turns, self.chat, self.sources, self.line, self.send, self.stop]


def _wire(service: DomainService, panel: SettingsPanel, parts: _Parts) -> None:
    handlers = Handlers(service)
    conversation = [parts.turns, gr.State(Writing())]
    settings = [*conversation, *panel.inputs]
    outputs = [parts.box, *parts.shown]
    at_once: dict[str, Any] = {"queue": False, **_QUIET}
    asked = [parts.box.submit, parts.send.click]
    starts = [
        gr.on(asked, handlers.ask, [parts.box, *settings], outputs, **at_once),
        parts.chat.example_select(handlers.ask_example, settings, outputs, **at_once),
        parts.chat.retry(handlers.retry, settings, outputs, **at_once),
    ]
    for start in starts:
        start.then(handlers.answer, conversation, parts.shown, concurrency_id="answer", **_QUIET)
    parts.stop.click(handlers.halt, conversation, parts.shown, **at_once)
    parts.chat.undo(handlers.undo, conversation, outputs, **at_once)
    gr.on([parts.fresh.click, parts.chat.clear], handlers.clear, conversation[1:], outputs, **at_once)
