"""What happens on the lab's page: start, follow, cancel, read, compare, look at misses. Values for its components."""

import asyncio
from collections.abc import Callable
from typing import Any

import gradio as gr
from pydantic import BaseModel, ConfigDict

from core.errors import GraftError
from core.lab_desk import LabDesk, LabWish
from ui.lab_parts import LabParts
from ui.lab_words import arm_choice, arm_words
from ui.language import several, spoken, t
from ui.render_lab import comparison_html, lab_label, report_html, running_html, runs_html
from ui.render_misses import collecting_html, misses_html
from ui.render_status import line_html
from ui.safe_html import escape
from ui.show import Values

MISSES = 50


class LabView(BaseModel):
    """What one browser session looks at. `seen` is what it was last shown, so that only changes are sent."""

    model_config = ConfigDict(frozen=True)

    report: str | None = None
    run: str | None = None
    arm: str | None = None
    kind: str | None = None
    seen: tuple[int, ...] = ()


class Lab:
    """The labs of the domain, for one page. Holds the desk and no view."""

    def __init__(self, desk: LabDesk, parts: LabParts) -> None:
        self._desk, self._parts = desk, parts

    async def load(self, view: LabView) -> Values:
        """The page is opened: what can be asked, and the labs there are."""
        parts = self._parts
        try:
            offer = await asyncio.to_thread(self._desk.offer)
        except GraftError as error:
            return self._say(error)
        choices = [arm_choice(arm) for arm in offer.arms]
        whole = several(offer.questions, "All {count} question", "All {count} questions")
        shown = {
            parts.arms: gr.CheckboxGroup(choices=choices, value=offer.default),
            parts.every: gr.Checkbox(label=whole),
            parts.questions: gr.Number(maximum=max(offer.questions, 1), value=min(offer.questions, 50)),
            parts.seed: gr.Number(value=offer.seed),
            parts.timer: gr.Timer(active=True),
        }
        missing = self._line(spoken(offer.missing)) if offer.missing else {}
        return {**shown, **await self._list(view.model_copy(update={"seen": ()})), **missing}

    async def look(self, view: LabView) -> Values:
        """Now and then: how far the lab is."""
        return await self._list(view)

    def sample(self, every: bool) -> Values:
        """All questions, or some."""
        return {self._parts.questions: gr.Number(visible=not every), self._parts.seed: gr.Number(visible=not every)}

    async def start(
        self,
        arms: list[str],
        every: bool,
        questions: float | None,
        seed: float | None,
        controls: bool,
        curve: bool,
        view: LabView,
    ) -> Values:
        """Begin a lab."""
        wish = LabWish(
            arms=arms,
            questions=None if every or not questions else int(questions),
            seed=None if every or seed is None else int(seed),
            controls=controls,
            learning_curve=curve,
        )
        try:
            await asyncio.to_thread(self._desk.start, wish)
        except GraftError as error:
            return self._say(error)
        begun = t("The lab has begun. It goes on when this page is closed.")
        return {**await self._list(view), **self._line(begun)}

    async def act(self, event: gr.EventData, view: LabView) -> Values:
        """What is pressed in a list: read a report, look at misses, go on, close."""
        what, _, detail = str(event.what).partition(" ")
        source = str(event.source)
        match what:
            case "report":
                shown = view.model_copy(update={"report": source})
                return {**await self._list(shown), self._parts.report: report_html(source)}
            case "close":
                return {**await self._list(view.model_copy(update={"report": None})), self._parts.report: ""}
            case "errors":
                return await self._misses(view.model_copy(update={"run": source, "arm": None, "kind": None}))
            case "class":
                kind = None if detail == view.kind else detail
                return await self._misses(view.model_copy(update={"kind": kind}))
            case "go_on":
                return await self._do(view, lambda: self._desk.go_on(source), t("The lab goes on where it was."))
        return {self._parts.view: gr.skip()}

    async def cancel(self, event: gr.EventData, view: LabView) -> Values:
        """Cancel a lab, after being asked."""
        source = str(event.source)
        done = t("The lab is cancelled. “Go on” continues it.")
        return await self._do(view, lambda: self._desk.cancel(source), done)

    async def compare(self, before: str | None, after: str | None) -> Values:
        """Two labs, question by question."""
        if not before or not after:
            return {self._parts.comparison: f'<p class="empty">{escape(t("Choose two labs first."))}</p>'}
        try:
            found = await asyncio.to_thread(self._desk.compare, before, after)
        except GraftError as error:
            return {self._parts.comparison: _trouble(error)}
        return {self._parts.comparison: comparison_html(found)}

    async def choose_arm(self, arm: str | None, view: LabView) -> Values:
        """The misses of another arm."""
        return await self._misses(view.model_copy(update={"arm": arm, "kind": None}))

    async def collect(self, count: float | None, view: LabView) -> Values:
        """Let examples be written near the misses that are shown."""
        run, arm = view.run, view.arm
        if run is None or arm is None:
            return {self._parts.view: gr.skip()}
        try:
            await asyncio.to_thread(self._desk.collect, run, arm, view.kind, max(1, int(count or 1)))
        except GraftError as error:
            return {self._parts.collecting: _trouble(error)}
        return await self._list(view)

    async def _misses(self, view: LabView) -> Values:
        parts = self._parts
        if view.run is None:
            return {parts.view: view}
        try:
            found = await asyncio.to_thread(self._desk.errors, view.run, view.arm, view.kind, MISSES)
        except GraftError as error:
            return {parts.view: view, **self._say(error)}
        trainable = any(row.trainable for row in found.classes if view.kind in (None, row.kind))
        return {
            parts.view: view.model_copy(update={"arm": found.arm}),
            parts.missing: gr.Column(visible=True),
            parts.arm: gr.Dropdown(choices=[(arm_words(arm), arm) for arm in found.arms], value=found.arm),
            parts.misses: misses_html(found, view.kind),
            parts.collect: gr.Button(interactive=trainable),
        }

    async def _do(self, view: LabView, work: Callable[[], Any], done: str) -> Values:
        try:
            await asyncio.to_thread(work)
        except GraftError as error:
            return self._say(error)
        return {**await self._list(view), **self._line(done)}

    async def _list(self, view: LabView) -> Values:
        """What runs and what there is, as far as it is not shown already."""
        parts = self._parts
        try:
            rows = await asyncio.to_thread(self._desk.runs)
            collecting = collecting_html(await asyncio.to_thread(self._desk.collecting))
        except GraftError as error:
            return self._say(error)
        running, runs = running_html(rows), runs_html(rows, view.report)
        names = [(lab_label(row), row.name) for row in rows if row.state == "done"]
        made = {parts.running: running, parts.runs: runs, parts.collecting: collecting}
        seen = (*map(hash, made.values()), hash(tuple(names)))
        before = view.seen or (None,) * len(seen)
        shown: Values = {parts.view: view.model_copy(update={"seen": seen})}
        shown |= {
            part: html for (part, html), now, then in zip(made.items(), seen, before, strict=False) if now != then
        }
        if seen[-1] != before[-1]:
            shown |= self._pair(names)
        if parts.running in shown:
            shown[parts.start] = gr.Button(interactive=not running)
        return shown

    def _pair(self, names: list[tuple[str, str]]) -> Values:
        """The two newest labs to compare."""
        newest, last = (names[0][1] if names else None), (names[1][1] if len(names) > 1 else None)
        return {
            self._parts.before: gr.Dropdown(choices=names, value=last),
            self._parts.after: gr.Dropdown(choices=names, value=newest),
        }

    def _line(self, text: str) -> Values:
        return {self._parts.line: line_html(text)}

    def _say(self, error: GraftError) -> Values:
        return {self._parts.line: _trouble(error)}


def _trouble(error: GraftError) -> str:
    return f'<p class="trouble" role="alert">{escape(spoken(str(error)))}</p>'
