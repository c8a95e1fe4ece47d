"""What happens on the training page: choose, plan, start, follow, cancel, publish, activate. Values for its components.

What a training is at is asked of the desk every time: nothing here remembers it.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import gradio as gr
from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import GraftError, RequestError
from core.training_desk import PlanFacts, TrainingChoice, TrainingDesk, TrainingView
from ui.job import Job
from ui.language import marked, spoken, t
from ui.render_adapters import adapter_html, adapters_html
from ui.render_status import line_html
from ui.render_train import choice_html, plan_html, plots_html, runs_html, view_html
from ui.safe_html import escape
from ui.show import Values
from ui.train_parts import TrainParts
from ui.train_words import METHODS

BUSY_SECONDS, CALM_SECONDS = 2.0, 5.0
_PLAN_FIRST = marked("Look at the plan first: it says whether memory and time will do.")


class Seen(BaseModel):
    """What one browser session was last shown, by component, and what it looks at.

    `planned` is the choice whose plan was shown and fits; `refused` an adapter that did not pass the comparison.
    """

    model_config = ConfigDict(frozen=True)

    shown: dict[str, str] = {}
    planned: TrainingChoice | None = None
    opened: str | None = None
    refused: str | None = None


class Train:
    """Training in the domain, for one page. Holds the desk and no view."""

    def __init__(self, desk: TrainingDesk, parts: TrainParts) -> None:
        self._desk, self._parts = desk, parts

    async def open(self, seen: Seen, data: str, method: str) -> Values:
        """The tab is looked at: everything anew, and from now on followed."""
        values = {**await self.look(seen.model_copy(update={"shown": {}})), **await self.explain(data, method)}
        return {**values, self._parts.timer: gr.Timer(active=True)}

    async def look(self, seen: Seen) -> Values:
        """What has changed since this browser was last shown it."""
        try:
            found, view = await asyncio.to_thread(self._found)
        except GraftError as error:
            return self._say(spoken(str(error)), bad=True)
        changed = {name: text for name, text in found.items() if seen.shown.get(name) != text}
        if not changed:
            return {self._parts.line: gr.skip()}
        parts = self._parts
        values: Values = {parts.seen: seen.model_copy(update={"shown": found})}
        for name, part in (("view", parts.view), ("plots", parts.plots), ("runs", parts.runs)):
            if name in changed:
                values[part] = found[name]
        if "adapters" in changed:
            values |= await asyncio.to_thread(self._adapters, seen)
        if "buttons" in changed:
            values[parts.cancel] = gr.update(visible=view.busy)
            values[parts.resume] = gr.update(visible=view.resumable and not view.busy)
        return values

    async def choose_data(self, data: str) -> Values:
        """Other data: the methods that learn from it."""
        offers = [offer for offer in await asyncio.to_thread(self._desk.methods) if offer.data == data]
        choices = [(t(METHODS[offer.method][0]), offer.method) for offer in offers]
        method = offers[0].method if offers else ""
        return {self._parts.method: gr.update(choices=choices, value=method), **await self.explain(data, method)}

    async def explain(self, data: str, method: str) -> Values:
        """What the chosen data and method are; a plan that was shown is of another choice now."""
        try:
            offered, methods = await asyncio.to_thread(lambda: (self._desk.data(), self._desk.methods()))
        except GraftError as error:
            return self._say(spoken(str(error)), bad=True)
        about = choice_html(
            next((offer for offer in offered if offer.data == data), None),
            next((offer for offer in methods if offer.method == method), None),
        )
        return {self._parts.about: about, **self._unplanned()}

    def changed(self) -> Values:
        """Something else was chosen: the plan has to be looked at again."""
        return self._unplanned()

    async def plan(self, seen: Seen, *chosen: Any) -> AsyncGenerator[Values]:
        """Show what the training would take; builds its data if need be."""
        parts = self._parts
        try:
            choice = self._choice(chosen)
        except GraftError as error:
            yield self._say(spoken(str(error)), bad=True)
            return

        async def work(tell: Any) -> PlanFacts:
            return await self._desk.plan(choice, lambda done, total: tell("", done / max(total, 1)))

        job = Job(work)
        async for _, share in job.follow():
            words = t("Preparing the data … {share}", share=f"{share:.0%}") if share else t("Preparing the data …")
            yield {parts.line: line_html(words), parts.plan: gr.update(interactive=False)}
        again = {parts.plan: gr.update(interactive=True)}
        if job.error or job.result is None:
            yield {**self._say(spoken(job.error), bad=True), **again}
            return
        trouble = ""
        try:
            job.result.check()
        except GraftError as error:
            trouble = spoken(str(error))
        fits = not trouble or choice.ignore_memory
        yield {
            **again,
            parts.planned: plan_html(job.result, trouble),
            parts.line: line_html(""),
            parts.start: gr.update(interactive=fits),
            parts.seen: seen.model_copy(update={"planned": choice if fits else None}),
        }

    async def start(self, seen: Seen, *chosen: Any) -> Values:
        """Start what was planned."""
        try:
            choice = self._choice(chosen)
            if choice != seen.planned:
                return self._say(t(_PLAN_FIRST), bad=True)
            await asyncio.to_thread(self._desk.start, choice)
        except GraftError as error:
            return self._say(spoken(str(error)), bad=True)
        said = t("Started. You may close this page: it goes on.")
        return {**self._unplanned(), **await self.look(_anew(seen)), **self._say(said)}

    async def resume(self, seen: Seen) -> Values:
        """Go on with what was stopped."""
        return await self._do(seen, self._desk.resume, t("It goes on from its last checkpoint."))

    async def cancel(self, seen: Seen) -> Values:
        """Stop what goes on."""
        return await self._do(seen, self._desk.cancel, t("It stops with the next step, and can go on later."))

    async def act(self, event: gr.EventData, seen: Seen) -> AsyncGenerator[Values]:
        """Open, close, publish or activate."""
        what, name = str(event.what), str(event.source)
        if what in ("open", "close"):
            seen = _anew(seen).model_copy(update={"opened": name if what == "open" else None})
            yield await self.look(seen)
        elif what == "publish":
            yield await self._do(seen, lambda: self._desk.publish(name), t("Published."))
        elif what == "activate":
            async for values in self._activate(seen, name, unchecked=False):
                yield values

    async def anyway(self, seen: Seen) -> AsyncGenerator[Values]:
        """Use the adapter that did not pass, because a person says so."""
        if seen.refused is not None:
            async for values in self._activate(seen, seen.refused, unchecked=True):
                yield values

    async def back(self, seen: Seen) -> Values:
        """Use the adapter that was in use before."""
        try:
            name = await self._desk.roll_back()
        except GraftError as error:
            return self._say(spoken(str(error)), bad=True)
        return {**await self.look(_anew(seen)), **self._say(t("{name} is in use.", name=name))}

    # --- inside ---

    def _found(self) -> tuple[dict[str, str], TrainingView]:
        view = self._desk.view()
        # Not only the names: the parity report and figures of labs come later.
        adapters = "".join(adapter.model_dump_json() for adapter in self._desk.adapters())
        found = {
            "view": view_html(view),
            "plots": plots_html(view),
            "runs": runs_html(self._desk.runs()),
            "adapters": adapters,
            "buttons": f"{view.busy} {view.resumable}",
        }
        return found, view

    def _adapters(self, seen: Seen) -> Values:
        adapters = self._desk.adapters()
        opened = next((adapter for adapter in adapters if adapter.name == seen.opened), None)
        shown = "" if opened is None else adapter_html(opened, self._desk.parity(opened.name))
        return {
            self._parts.adapters: adapters_html(adapters, seen.opened),
            self._parts.adapter: shown,
            self._parts.back: gr.update(visible=len(adapters) > 1 and any(one.active for one in adapters)),
        }

    async def _activate(self, seen: Seen, name: str, *, unchecked: bool) -> AsyncGenerator[Values]:
        words = t("Comparing {name} in training and in the server …", name=name)
        yield {**self._say(words), self._parts.anyway: gr.update(visible=False)}
        seen = _anew(seen).model_copy(update={"opened": name, "refused": None})
        try:
            await self._desk.activate(name, unchecked=unchecked)
        except GraftError as error:
            report = await asyncio.to_thread(self._desk.parity, name)
            # Where it cannot be compared a person may decide as well; what cannot work is refused again.
            failed = report is None or not report.passed
            seen = seen.model_copy(update={"refused": name if failed else None})
            trouble = self._say(spoken(str(error)), bad=True)
            yield {**await self.look(seen), **trouble, self._parts.anyway: gr.update(visible=failed)}
            return
        yield {**await self.look(seen), **self._say(t("{name} is in use.", name=name))}

    async def _do(self, seen: Seen, work: Any, said: str) -> Values:
        try:
            await asyncio.to_thread(work)
        except GraftError as error:
            return self._say(spoken(str(error)), bad=True)
        return {**await self.look(_anew(seen)), **self._say(said)}

    def _choice(self, chosen: tuple[Any, ...]) -> TrainingChoice:
        method, preset, activate, ignore_memory, *numbers = chosen
        given = dict(zip(self._parts.numbers, numbers, strict=True))
        fields = {name: str(text).strip() for name, text in given.items() if str(text or "").strip()}
        known = {"method": method, "preset": preset, "activate": activate, "ignore_memory": ignore_memory}
        try:
            return TrainingChoice.model_validate({**known, **fields})
        except ValidationError as error:
            first = error.errors()[0]
            raise RequestError(f"{str(first['loc'][0]).replace('_', ' ')}: {first['msg']}") from error

    def _unplanned(self) -> Values:
        return {self._parts.planned: "", self._parts.start: gr.update(interactive=False)}

    def _say(self, text: str, *, bad: bool = False) -> Values:
        trouble = f'<p class="trouble" role="alert">{escape(text)}</p>'
        return {self._parts.line: trouble if bad else line_html(text)}


def _anew(seen: Seen) -> Seen:
    return seen.model_copy(update={"shown": {}})
