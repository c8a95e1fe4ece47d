"""What happens on the users' page: values for its components. Whoever gets here is an admin (ui/page.py, `only`).

A request that came with an API key changes nothing, not even with an admin's.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import gradio as gr

from core.errors import GraftError, RequestError
from core.passwords import draw_password
from core.roles import Role, demand_login
from core.user_desk import UserDesk, UserRow
from ui.key_deeds import make_key, revoke_key
from ui.language import spoken, t
from ui.render_keys import keys_html, secret_html
from ui.render_status import line_html, trouble_html
from ui.render_users import BRIDGE, opened_html, removal_html, users_html
from ui.show import Values
from ui.users_parts import UsersParts
from ui.visitors import key_of, user_of


class Users:
    """The users, for one page. Which of them is opened the page's state says."""

    def __init__(self, desk: UserDesk, parts: UsersParts) -> None:
        self._desk, self._parts = desk, parts

    async def open(self, request: gr.Request) -> Values:
        """The tab is opened: everybody, and nothing of what was shown once."""
        return await self._listed(request, None)

    async def choose(self, request: gr.Request, event: gr.EventData) -> Values:
        """Open one of the list, or close it."""
        return await self._listed(request, str(event.source) if event.what == "open" else None)

    async def add(self, request: gr.Request, chosen: str | None, name: str, role: str, password: str) -> Values:
        """Add a user; without a password one is drawn."""
        given = password or draw_password()

        def add() -> str:
            row = self._desk.add(name.strip(), _role(role), given)
            if password:
                return line_html(t("{name} may log in now.", name=row.name))
            return secret_html(t("The password of {name}, shown only now:", name=row.name), given)

        values = await self._done(request, chosen, add, self._parts.line)
        failed = self._parts.table not in values
        return values if failed else {**values, self._parts.name: "", self._parts.password: ""}

    async def set_role(self, request: gr.Request, chosen: str | None, role: str) -> Values:
        """Give the opened user another role."""

        def give() -> str:
            self._desk.set_role(str(chosen), _role(role))
            return line_html(t("The role is {role} from the next click on.", role=role))

        return await self._done(request, chosen, give, self._parts.answer)

    async def set_password(self, request: gr.Request, chosen: str | None, password: str) -> Values:
        """Give the opened user another password; without one it is drawn."""
        given = password or draw_password()

        def give() -> str:
            if chosen == user_of(request):
                # Whoever finds an open page must not be able to keep it.
                return trouble_html(t("Your own password you change on the page of your account."))
            self._desk.set_password(str(chosen), given)
            if password:
                return line_html(t("The new password is set. All sessions of this user have ended."))
            return secret_html(t("The new password, shown only now. All sessions of this user have ended."), given)

        return await self._done(request, chosen, give, self._parts.answer)

    async def make_key(self, request: gr.Request, chosen: str | None, name: str) -> Values:
        """Make a key for the opened user."""
        return await self._done(request, chosen, lambda: make_key(self._desk, str(chosen), name), self._parts.answer)

    async def delete(self, request: gr.Request, event: gr.EventData, chosen: str | None) -> Values:
        """What is pressed and was asked back: a key, or a user, goes."""
        if event.what == "revoke":
            revoke = partial(revoke_key, self._desk, str(chosen), str(event.source))
            return await self._done(request, chosen, revoke, self._parts.answer)

        def remove() -> str:
            row = self._desk.user(str(event.source))
            self._desk.remove(row.id, with_data=event.what == "remove-all")
            return line_html(t("{name} is removed.", name=row.name))

        values = await self._done(request, None, remove, self._parts.line)
        if self._parts.table in values or chosen is None:
            return values
        return {self._parts.answer: values[self._parts.line]}  # refused: said where the button is

    async def _done(self, request: gr.Request, chosen: str | None, work: Callable[[], str], said: gr.HTML) -> Values:
        """Everything after `work`, whose HTML is shown in `said`; what stands against it, where it cannot be done."""
        try:
            demand_login(key_of(request))
            told = await asyncio.to_thread(work)
        except GraftError as error:
            return {said: trouble_html(spoken(str(error)))}
        return {**await self._listed(request, chosen), said: told}

    async def _listed(self, request: gr.Request, chosen: str | None) -> Values:
        parts = self._parts
        try:
            rows = await asyncio.to_thread(self._desk.users)
            row = next((one for one in rows if one.id == chosen), None)
            opened = await asyncio.to_thread(self._opened, row, user_of(request)) if row else {}
        except GraftError as error:
            return {parts.table: trouble_html(spoken(str(error))), parts.one: gr.Column(visible=False)}
        return {
            parts.chosen: row.id if row else None,
            parts.table: users_html(rows, row.id if row else None, user_of(request)),
            parts.line: line_html(""),
            parts.one: gr.Column(visible=row is not None),
            parts.answer: line_html(""),
            parts.new_password: "",
            parts.key_name: "",
            **opened,
        }

    def _opened(self, row: UserRow, me: str | None) -> Values:
        parts, trouble = self._parts, self._desk.keys_trouble()
        return {
            parts.head: opened_html(row),
            parts.new_role: row.role.value,
            parts.own_password: gr.HTML(visible=row.id == me),
            parts.password_row: gr.Row(visible=row.id != me),
            parts.keys: keys_html(row.keys, BRIDGE, trouble),
            parts.key_row: gr.Row(visible=not trouble),
            parts.removal: removal_html(row, self._desk.left(row.id)),
        }


def _role(name: str) -> Role:
    """A role by its name. Raises RequestError: whoever calls by hand may send anything."""
    try:
        return Role(name)
    except ValueError:
        raise RequestError(f"there is no role '{str(name)[:20]}': choose one of {', '.join(Role)}") from None
