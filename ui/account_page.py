"""The account's tab: who somebody is, what is kept of them, and its deletion. Everything of the request's own user."""

import asyncio
from typing import Any

import gradio as gr

from core.errors import GraftError
from core.service import DomainService
from core.user_data import UserData
from ui.language import spoken
from ui.quiet import AT_ONCE
from ui.render_account import account_html
from ui.safe_html import escape
from ui.visitors import name_of, role_of, user_of


class Account:
    """The account of whoever sent the request; holds nobody's."""

    def __init__(self, service: DomainService, data: UserData, *, alone: bool) -> None:
        self._service, self._data, self._alone = service, data, alone

    async def show(self, request: gr.Request) -> str:
        """The account as it is now."""
        try:
            return await asyncio.to_thread(self._html, request)
        except GraftError as error:
            return f'<p class="trouble" role="alert">{escape(spoken(str(error)))}</p>'

    async def delete(self, request: gr.Request, event: gr.EventData) -> Any:
        """Delete all that is kept of the user, where that is what the event asks for."""
        user = user_of(request)
        if user is None or event.conversation != "everything":
            return gr.skip()
        try:
            await asyncio.to_thread(self._data.delete, user)
        except GraftError as error:
            return f'<p class="trouble" role="alert">{escape(spoken(str(error)))}</p>'
        return await self.show(request)

    def _html(self, request: gr.Request) -> str:
        user = user_of(request)
        counts = self._data.count(user) if user else None
        learnt = [
            adapter.model_copy(update={"people": {user: adapter.people[user]}})
            for adapter in self._service.adapters()
            if user in adapter.people
        ]
        topic = "" if self._alone else self._service.pack.title
        return account_html(name_of(request), role_of(request), counts, learnt, topic)


def build_account() -> gr.HTML:
    """Create the component inside the current Gradio context."""
    return gr.HTML(elem_id="account", js_on_load=None)


def wire_account(
    service: DomainService, data: UserData, tab: gr.Tab, panel: gr.HTML, bridge: gr.HTML, *, alone: bool
) -> None:
    """Show the account when its tab opens. `bridge` brings the wish to delete everything, from here or the chat.

    `alone`: no other domain is served, of which other things are kept.
    """
    account = Account(service, data, alone=alone)
    tab.select(account.show, None, panel, **AT_ONCE)
    bridge.delete(account.delete, None, panel, **AT_ONCE)
