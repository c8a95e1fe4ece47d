"""One's own API keys, below one's account: made, listed and revoked by whoever has logged in, for themselves alone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from core.errors import GraftError
from core.roles import demand_login
from core.user_desk import UserDesk
from ui.key_deeds import make_key, revoke_key
from ui.language import spoken, t
from ui.quiet import AT_ONCE
from ui.render_keys import keys_html
from ui.render_status import line_html, trouble_html
from ui.show import Values
from ui.users_page import key_name_box
from ui.visitors import key_of, user_of

_BRIDGE = "own-keys"
_LISTENS = f"document.addEventListener('graft-{_BRIDGE}', (event) => trigger(event.detail.event, event.detail.data))"


@dataclass(frozen=True)
class OwnKeysParts:
    """The components. `bridge` brings what is pressed in the list, `answer` says what came of it."""

    bridge: gr.HTML
    keys: gr.HTML
    row: gr.Row
    name: gr.Textbox
    make: gr.Button
    answer: gr.HTML


class OwnKeys:
    """The keys of whoever sent the request; holds nobody's."""

    def __init__(self, desk: UserDesk, parts: OwnKeysParts) -> None:
        self._desk, self._parts = desk, parts

    async def show(self, request: gr.Request) -> Values:
        """The keys as they are now."""
        parts = self._parts
        try:
            row, trouble = await asyncio.to_thread(lambda: (self._desk.user(_own(request)), self._desk.keys_trouble()))
        except GraftError as error:
            return {parts.keys: trouble_html(spoken(str(error))), parts.row: gr.Row(visible=False)}
        return {
            parts.keys: keys_html(row.keys, _BRIDGE, trouble),
            parts.row: gr.Row(visible=not trouble),
            parts.name: "",
            parts.answer: line_html(""),
        }

    async def make(self, request: gr.Request, name: str) -> Values:
        """Make a key."""
        return await self._done(request, lambda: make_key(self._desk, _own(request), name))

    async def revoke(self, request: gr.Request, event: gr.EventData) -> Values:
        """Withdraw one that was pressed in the list."""
        return await self._done(request, lambda: revoke_key(self._desk, _own(request), str(event.source)))

    async def _done(self, request: gr.Request, work: Callable[[], str]) -> Values:
        try:
            demand_login(key_of(request))
            told = await asyncio.to_thread(work)
        except GraftError as error:
            return {self._parts.answer: trouble_html(spoken(str(error)))}
        return {**await self.show(request), self._parts.answer: told}


def build_own_keys() -> OwnKeysParts:
    """Create the components inside the current Gradio context."""
    with gr.Column(elem_id="own-keys", elem_classes="board", min_width=0):
        bridge = gr.HTML(elem_id="own-keys-bridge", js_on_load=_LISTENS)
        gr.HTML(f"<h2>{t('API keys')}</h2>", js_on_load=None, elem_classes="heading")
        about = t("A key lets a program ask at /v1 in your name. Whoever has it is you there: keep it to yourself.")
        gr.HTML(f'<p class="note">{about}</p>', js_on_load=None)
        keys = gr.HTML(elem_id="own-keys-list", js_on_load=None)
        with gr.Row(elem_classes="deed", equal_height=False) as row:
            name = key_name_box("own-key-name")
            make = gr.Button(t("Make a key"), elem_id="own-make-key", min_width=0)
        answer = gr.HTML(line_html(""), elem_id="own-keys-answer", js_on_load=None)
    return OwnKeysParts(bridge=bridge, keys=keys, row=row, name=name, make=make, answer=answer)


def wire_own_keys(desk: UserDesk, tab: gr.Tab, parts: OwnKeysParts) -> None:
    """Connect the components to what happens, when the account's `tab` opens and after."""
    own, shown = OwnKeys(desk, parts), [parts.keys, parts.row, parts.name, parts.answer]
    tab.select(own.show, None, shown, **AT_ONCE)
    gr.on([parts.make.click, parts.name.submit], own.make, parts.name, shown, **AT_ONCE)
    parts.bridge.delete(own.revoke, None, shown, **AT_ONCE)


def _own(request: gr.Request) -> str:
    """The id of whoever asks; nobody's, where nothing is known of them."""
    return user_of(request) or ""
