"""What happens on the examples' page: look, open, check, save, review. Values for its components.

Nothing is written before it was checked. Warnings are shown once, and do not stop who saves again.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

import gradio as gr
from pydantic import BaseModel, ConfigDict

from core.errors import GraftError
from core.example_desk import ExampleDesk, ExampleFilter, ExampleRow, Split, Stamp
from core.example_findings import CheckReport, Finding
from core.pack import DomainPack
from core.review import Candidate
from core.types import Example
from ui.example_form import empty, shown, written
from ui.examples_parts import ExamplesParts
from ui.language import several, spoken, t
from ui.render_examples import (
    PAGE_ROWS,
    candidates_html,
    examples_html,
    findings_html,
    head_html,
    report_html,
    test_html,
)
from ui.render_status import line_html
from ui.safe_html import escape
from ui.show import Values


class View(BaseModel):
    """What one browser session looks at. `stamp` and `task` say what is open, `before` as what it was opened.

    `warned` are the warnings that were shown about what stands in the form, `report` what the checks found last.
    """

    model_config = ConfigDict(frozen=True)

    offset: int = 0
    stamp: Stamp | None = None
    task: str | None = None
    before: Example | None = None
    warned: tuple[str, ...] = ()
    report: CheckReport | None = None


class Examples:
    """The examples of the domain, for one page. Holds the desk and no view."""

    def __init__(self, pack: DomainPack, desk: ExampleDesk, parts: ExamplesParts) -> None:
        self._pack, self._desk, self._parts = pack, desk, parts

    async def list(self, view: View, mode: str, *looking: str) -> Values:
        """What is looked at, as it is now."""
        try:
            return {self._parts.view: view, **await asyncio.to_thread(self._listing, view, mode, looking)}
        except GraftError as error:
            return {self._parts.view: view, **self._say(spoken(str(error)), bad=True)}

    async def narrow(self, view: View, *looking: str) -> Values:
        """Another filter: the list from its beginning."""
        return await self.list(view.model_copy(update={"offset": 0}), *looking)

    async def switch(self, view: View, mode: str, *looking: str) -> Values:
        """Examples, review or checks."""
        panels = {self._parts.filters: "examples", self._parts.review: "review", self._parts.checking: "check"}
        shut = View(report=view.report)
        values = {part: gr.update(visible=name == mode) for part, name in panels.items()}
        return {**await self.list(shut, mode, *looking), **values, **self._shut(), **self._line("")}

    async def act(self, event: gr.EventData, view: View, *looking: str) -> Values:
        """Open a line or a candidate, or turn a page."""
        what, _, number = str(event.what).partition(" ")
        at = int(number) if number.isdigit() else 0
        if what == "page":
            return await self.list(view.model_copy(update={"offset": at}), *looking)
        try:
            if what == "candidate":
                candidate = await asyncio.to_thread(self._desk.candidate, str(event.source))
                opened = await asyncio.to_thread(self._open_candidate, view, candidate)
            elif what in ("train", "test"):
                split: Split = "train" if what == "train" else "test"
                row = await asyncio.to_thread(self._desk.at, split, at)
                opened = await asyncio.to_thread(self._open_row, view, split, row)
            else:
                return self._line("")
        except GraftError as error:
            return self._say(spoken(str(error)), bad=True)
        return {**await self.list(opened[0], *looking), **opened[1]}

    async def add(self, view: View, *looking: str) -> Values:
        """An empty form."""
        example = empty(self._pack)
        view = view.model_copy(update={"stamp": None, "task": None, "before": example, "warned": ()})
        known = await asyncio.to_thread(self._sources)
        head = head_html(t("A new training example"))
        form = {**self._form(example, "", known), self._parts.head: head}
        return {**await self.list(view, *looking), **form, **self._buttons(save=t("Save"))}

    async def close(self, view: View, *looking: str) -> Values:
        """Nothing is open any more; what was not saved is gone."""
        return {**await self.list(_closed(view), *looking), **self._shut()}

    async def try_it(self, view: View, *values: Any) -> Values:
        """Check what stands in the form; nothing is written."""
        try:
            example = self._written(view, values)
            found = await asyncio.to_thread(self._findings, view, example)
        except GraftError as error:
            return {self._parts.findings: _trouble(spoken(str(error)))}
        good = [] if found else [f'<p class="fine" role="status">{escape(t("Nothing is wrong with it."))}</p>']
        return {self._parts.findings: "".join(good) or findings_html(found), **self._warned(view, found)}

    async def save(self, view: View, *values: Any) -> Values:
        """Check and write; a candidate is accepted by it. Warnings that were not shown yet are shown first."""
        looking = values[:_LOOKING]
        try:
            example = self._written(view, values)
            found = await asyncio.to_thread(self._findings, view, example)
            new = {str(finding) for finding in found} - set(view.warned)
            if new or any(finding.severity == "error" for finding in found):
                return {self._parts.findings: findings_html(found), **self._warned(view, found)}
            if view.task is not None:
                await asyncio.to_thread(self._desk.accept, view.task, example)
                said = t("Accepted: it is a training example now.")
            else:
                row = await asyncio.to_thread(self._desk.save, example, view.stamp)
                said = t("Saved as line {line}.", line=row.stamp.line)
        except GraftError as error:
            return {self._parts.findings: _trouble(spoken(str(error)))}
        return {**await self.list(_closed(view), *looking), **self._shut(), **self._line(said)}

    async def remove(self, event: gr.EventData, view: View, *looking: str) -> Values:
        """Delete the training example that is open."""
        del event
        if view.stamp is None:
            return self._line("")
        try:
            await asyncio.to_thread(self._desk.remove, view.stamp)
        except GraftError as error:
            return {self._parts.findings: _trouble(spoken(str(error)))}
        return {**await self.list(_closed(view), *looking), **self._shut(), **self._line(t("Deleted."))}

    async def reject(self, view: View, *looking: str) -> Values:
        """Say no to the candidate that is open."""
        return await self._settle(view, "rejected", t("Rejected. It stays in the list of rejected ones."), looking)

    async def wait_again(self, view: View, *looking: str) -> Values:
        """Let a rejected candidate wait again."""
        return await self._settle(view, "pending", t("It waits for review again."), looking)

    async def take_in(self, view: View, *looking: str) -> Values:
        """Make candidates of users' corrections."""
        try:
            taken = await asyncio.to_thread(self._desk.take_in)
        except GraftError as error:
            return self._say(spoken(str(error)), bad=True)
        said = [
            several(taken.added, "{count} correction is new.", "{count} corrections are new."),
            several(taken.preferences, "{count} preference to learn from.", "{count} preferences to learn from."),
        ]
        if taken.tested:
            said.append(several(taken.tested, "{count} asks a test question.", "{count} ask test questions."))
        return {**await self.list(view, *looking), **self._line(" ".join(said))}

    async def check(self, view: View, *looking: str) -> AsyncGenerator[Values]:
        """Check both files, and list what was found."""
        yield {self._parts.check: gr.update(interactive=False), **self._line(t("Checking …"))}
        try:
            report = await asyncio.to_thread(self._desk.check)
        except GraftError as error:
            yield {self._parts.check: gr.update(interactive=True), **self._say(spoken(str(error)), bad=True)}
            return
        view = view.model_copy(update={"report": report, "offset": 0})
        yield {**await self.list(view, *looking), self._parts.check: gr.update(interactive=True), **self._line("")}

    # --- inside ---

    def _listing(self, view: View, mode: str, looking: tuple[str, ...]) -> Values:
        split, words, format, schema, tag, answerable, status = looking
        if mode == "review":
            page = self._desk.candidates(cast(Any, status), view.offset, PAGE_ROWS)
            return {self._parts.listing: candidates_html(page, cast(Any, status), view.offset, view.task)}
        if mode == "check":
            return {self._parts.listing: report_html(view.report, view.offset)}
        wanted = ExampleFilter.model_validate(
            {
                "words": words,
                "format": format or None,
                "schema_name": schema or None,
                "tag": tag or None,
                "answerable": {"yes": True, "no": False}.get(answerable),
            }
        )
        found = self._desk.examples(cast(Split, split), wanted, view.offset, PAGE_ROWS)
        frozen = self._desk.frozen() if split == "test" else ""
        tags = [(t("All"), ""), *((name, name) for name in found.tags)]
        table = examples_html(found, cast(Split, split), view.offset, view.stamp, frozen)
        return {self._parts.listing: table, self._parts.tag: gr.update(choices=tags)}

    def _open_row(self, view: View, split: Split, row: ExampleRow) -> tuple[View, Values]:
        update = {"stamp": row.stamp, "task": None, "before": row.example, "warned": ()}
        if split == "test":
            values = {**self._shut(), self._parts.editor: gr.update(visible=True), self._parts.head: test_html(row)}
            hidden = {self._parts.form.fields: gr.update(visible=False), self._parts.form.raw: gr.update(visible=False)}
            return view.model_copy(update=update), {**values, **hidden, self._parts.buttons: gr.update(visible=False)}
        head = head_html(t("Training example, line {line}", line=row.stamp.line), deletes=True, flaw=spoken(row.flaw))
        values = {**self._form(row.example, row.text, self._sources()), self._parts.head: head}
        return view.model_copy(update=update), {**values, **self._buttons(save=t("Save"))}

    def _open_candidate(self, view: View, candidate: Candidate) -> tuple[View, Values]:
        update = {"stamp": None, "task": candidate.task, "before": candidate.example, "warned": ()}
        waits = candidate.status == "pending"
        title = {"pending": t("Waiting for review"), "accepted": t("Accepted"), "rejected": t("Rejected")}
        head = head_html(title[candidate.status], candidate=candidate)
        values = {**self._form(candidate.example, "", self._sources()), self._parts.head: head}
        buttons = self._buttons(save=t("Accept") if waits else "", reject=waits, again=candidate.status == "rejected")
        return view.model_copy(update=update), {**values, **buttons}

    def _form(self, example: Example | None, text: str, known: Sequence[str]) -> Values:
        return {
            **shown(self._parts.form, self._pack, example, text, known),
            self._parts.editor: gr.update(visible=True),
            self._parts.findings: "",
        }

    def _buttons(self, *, save: str, reject: bool = False, again: bool = False) -> Values:
        return {
            self._parts.buttons: gr.update(visible=True),
            self._parts.save: gr.update(value=save or t("Save"), visible=bool(save)),
            self._parts.try_it: gr.update(visible=bool(save)),
            self._parts.reject: gr.update(visible=reject),
            self._parts.again: gr.update(visible=again),
        }

    def _shut(self) -> Values:
        return {self._parts.editor: gr.update(visible=False), self._parts.findings: ""}

    def _sources(self) -> Sequence[str]:
        return self._desk.sources()

    def _written(self, view: View, values: tuple[Any, ...]) -> Example:
        return written(self._pack, view.before, values[_LOOKING:])

    def _findings(self, view: View, example: Example) -> Sequence[Finding]:
        if view.task is not None:
            # A rewriting stands in the place of its example, which desk and file know better.
            candidate = self._desk.candidate(view.task)
            if candidate.replaces is not None:
                return []
        return self._desk.findings(example, view.stamp)

    def _warned(self, view: View, found: Sequence[Finding]) -> Values:
        warned = tuple(str(finding) for finding in found)
        stops = any(finding.severity == "error" for finding in found)
        again = t("Accept all the same") if view.task is not None else t("Save all the same")
        first = t("Accept") if view.task is not None else t("Save")
        return {
            self._parts.view: view.model_copy(update={"warned": () if stops else warned}),
            self._parts.save: gr.update(value=again if warned and not stops else first),
        }

    async def _settle(self, view: View, status: Any, said: str, looking: tuple[str, ...]) -> Values:
        if view.task is None:
            return self._line("")
        try:
            await asyncio.to_thread(self._desk.settle, view.task, status)
        except GraftError as error:
            return {self._parts.findings: _trouble(spoken(str(error)))}
        return {**await self.list(_closed(view), *looking), **self._shut(), **self._line(said)}

    def _line(self, text: str) -> Values:
        return {self._parts.line: line_html(text)}

    def _say(self, text: str, *, bad: bool = False) -> Values:
        return {self._parts.line: _trouble(text) if bad else line_html(text)}


# Mode and filters stand before the form's values.
_LOOKING = 8


def _closed(view: View) -> View:
    return View(offset=view.offset, report=view.report)


def _trouble(text: str) -> str:
    return f'<p class="trouble" role="alert">{escape(text)}</p>'
