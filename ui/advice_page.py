"""The advisor's tab: layout, wiring and what happens. What is shown stands in `render_advice`."""

import asyncio
from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.advice_desk import AdviceDesk
from core.errors import GraftError
from core.roles import Right
from ui.guarded_blocks import GuardedBlocks
from ui.language import spoken, t
from ui.quiet import AT_ONCE
from ui.render_advice import advice_html, downloads_html, methods_html, questions_html
from ui.render_status import line_html
from ui.safe_html import escape
from ui.show import Values
from ui.visitors import allows

_BRIDGE = "document.addEventListener('graft-advice', (event) => trigger(event.detail.event, event.detail.data))"


@dataclass(frozen=True)
class AdviceParts:
    """The components by name; `bridge` brings what is pressed beside a question."""

    bridge: gr.HTML
    line: gr.HTML
    advice: gr.HTML
    questions: gr.HTML
    methods: gr.HTML

    @property
    def all(self) -> list[Any]:
        """What shows the advice."""
        return [self.line, self.advice, self.questions, self.methods]


class Advisor:
    """The advice, for one page. Holds the desk and no answer."""

    def __init__(self, desk: AdviceDesk, parts: AdviceParts) -> None:
        self._desk, self._parts = desk, parts

    async def load(self, request: gr.Request) -> Values:
        """What is advised now; whoever may run labs may answer questions as well."""
        parts = self._parts
        try:
            found = await asyncio.to_thread(self._desk.advice)
        except GraftError as error:
            return {parts.line: f'<p class="trouble" role="alert">{escape(spoken(str(error)))}</p>'}
        return {
            parts.line: line_html(""),
            parts.advice: advice_html(found),
            parts.questions: questions_html(found, may_answer=allows(request, Right.LAB)),
            parts.methods: methods_html(found),
        }

    async def answer(self, request: gr.Request, event: gr.EventData) -> Values:
        """Keep an answer, and weigh anew."""
        yes = {"yes": True, "no": False}.get(str(event.what))
        try:
            await asyncio.to_thread(self._desk.answer, str(event.source), yes)
        except GraftError as error:
            return {self._parts.line: f'<p class="trouble" role="alert">{escape(spoken(str(error)))}</p>'}
        return {**await self.load(request), self._parts.line: line_html(t("Your answer is kept."))}


def build_advice() -> AdviceParts:
    """Create the components inside the current Gradio context."""
    bridge = gr.HTML(elem_id="advice-bridge", js_on_load=_BRIDGE)
    with gr.Column(elem_id="advice", min_width=0):
        _html(f"<h2>{escape(t('What do I need: examples in the question, documents, or training?'))}</h2>")
        gr.HTML(downloads_html(), js_on_load=None, elem_id="advice-downloads")
        line = gr.HTML(line_html(""), elem_id="advice-line", js_on_load=None)
        waiting = f'<p class="empty">{escape(t("Weighing what is known …"))}</p>'
        advice = gr.HTML(waiting, elem_id="advice-verdict", js_on_load=None)
        _html(f"<h2>{escape(t('The questions'))}</h2>")
        questions = gr.HTML(elem_id="advice-questions", js_on_load=None)
        _html(f"<h2>{escape(t('The methods'))}</h2>")
        methods = gr.HTML(elem_id="advice-methods", js_on_load=None)
    return AdviceParts(bridge=bridge, line=line, advice=advice, questions=questions, methods=methods)


def wire_advice(desk: AdviceDesk, page: GuardedBlocks, tab: gr.Tab, parts: AdviceParts) -> None:
    """Connect the components to what happens."""
    advisor = Advisor(desk, parts)
    tab.select(advisor.load, None, parts.all, **AT_ONCE)
    with page.only(Right.LAB):
        parts.bridge.select(advisor.answer, None, parts.all, **AT_ONCE)


def _html(text: str) -> None:
    gr.HTML(text, js_on_load=None, elem_classes="heading")
