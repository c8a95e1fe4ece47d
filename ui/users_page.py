"""The users' tab: layout and wiring. What happens stands in `users`, what is shown in `render_users`."""

import gradio as gr

from core.passwords import LONGEST, SHORTEST
from core.roles import Role
from core.user_desk import UserDesk
from ui.language import t
from ui.quiet import AT_ONCE
from ui.render_status import line_html
from ui.render_users import BRIDGE, own_password_html, roles_html
from ui.users import Users
from ui.users_parts import UsersParts

_LISTENS = f"document.addEventListener('graft-{BRIDGE}', (event) => trigger(event.detail.event, event.detail.data))"
_ROLES = [(str(role), str(role)) for role in Role]


def build_users() -> UsersParts:
    """Create the components inside the current Gradio context."""
    chosen = gr.State(None)
    bridge = gr.HTML(elem_id="users-bridge", js_on_load=_LISTENS)
    with gr.Row(elem_id="users", equal_height=False):
        with gr.Column(elem_id="users-side", elem_classes="board", min_width=0):
            _heading(t("Add a user"))
            name = gr.Textbox(label=t("Name"), max_length=64, elem_id="user-name", html_attributes=_words("off"))
            role = gr.Radio(_ROLES, value=Role.CHAT.value, label=t("Role"), elem_id="user-role", elem_classes="tiles")
            gr.HTML(roles_html(), js_on_load=None)
            password = _password(t("First password"), "user-password")
            add = gr.Button(t("Add"), variant="primary", elem_id="user-add", min_width=0)
            line = gr.HTML(line_html(""), elem_id="users-line", js_on_load=None)
        with gr.Column(elem_id="users-main", min_width=0):
            table = gr.HTML(elem_id="users-list", js_on_load=None)
            with gr.Column(visible=False, elem_id="users-one", elem_classes="board", min_width=0) as one:
                head = gr.HTML(elem_id="users-head", js_on_load=None)
                answer = gr.HTML(line_html(""), elem_id="users-answer", js_on_load=None)
                with gr.Row(elem_classes="deed", equal_height=False):
                    new_role = gr.Radio(_ROLES, label=t("Role"), elem_id="users-role", elem_classes="tiles")
                    give = gr.Button(t("Change the role"), elem_id="users-give", min_width=0)
                own_password = gr.HTML(own_password_html(), visible=False, js_on_load=None)
                with gr.Row(elem_classes="deed", equal_height=False) as password_row:
                    new_password = _password(t("New password"), "users-password")
                    set_password = gr.Button(t("Set the password"), elem_id="users-set", min_width=0)
                _heading(t("API keys"))
                keys = gr.HTML(elem_id="users-keys", js_on_load=None)
                with gr.Row(elem_classes="deed", equal_height=False) as key_row:
                    key_name = key_name_box("users-key-name")
                    make_key = gr.Button(t("Make a key"), elem_id="users-make-key", min_width=0)
                _heading(t("Remove"))
                removal = gr.HTML(elem_id="users-removal", js_on_load=None)
    return UsersParts(
        chosen=chosen,
        bridge=bridge,
        name=name,
        role=role,
        password=password,
        add=add,
        line=line,
        table=table,
        one=one,
        head=head,
        answer=answer,
        new_role=new_role,
        give=give,
        own_password=own_password,
        password_row=password_row,
        new_password=new_password,
        set_password=set_password,
        keys=keys,
        key_row=key_row,
        key_name=key_name,
        make_key=make_key,
        removal=removal,
    )


def wire_users(desk: UserDesk, tab: gr.Tab, parts: UsersParts) -> None:
    """Connect the components to what happens."""
    users = Users(desk, parts)
    # Past the queue, which would hold passwords for a while.
    tab.select(users.open, None, parts.shown, **AT_ONCE)
    parts.add.click(users.add, [parts.chosen, parts.name, parts.role, parts.password], parts.shown, **AT_ONCE)
    parts.give.click(users.set_role, [parts.chosen, parts.new_role], parts.shown, **AT_ONCE)
    parts.set_password.click(users.set_password, [parts.chosen, parts.new_password], parts.shown, **AT_ONCE)
    gr.on([parts.make_key.click, parts.key_name.submit], users.make_key, [parts.chosen, parts.key_name],
          parts.shown, **AT_ONCE)  # fmt: skip
    parts.bridge.select(users.choose, None, parts.shown, **AT_ONCE)
    parts.bridge.delete(users.delete, parts.chosen, parts.shown, **AT_ONCE)


def key_name_box(name: str) -> gr.Textbox:
    """Where a new key is named."""
    return gr.Textbox(
        label=t("Name of a new key"),
        info=t("What uses it, in one word: laptop, notebook, mailbot."),
        max_length=64,
        elem_id=name,
        html_attributes=_words("off"),
    )


def _password(label: str, name: str) -> gr.Textbox:
    return gr.Textbox(
        label=label,
        info=t("At least {count} characters. Left empty, one is drawn and shown once.", count=SHORTEST),
        type="password",
        max_length=LONGEST,
        elem_id=name,
        html_attributes=_words("new-password"),
    )


def _words(complete: str) -> gr.InputHTMLAttributes:
    """What browsers may do with a box: nothing, or (`new-password`) offer a password."""
    return gr.InputHTMLAttributes(autocomplete=complete, autocapitalize="none", spellcheck=False, autocorrect="off")


def _heading(text: str) -> None:
    gr.HTML(f"<h2>{text}</h2>", js_on_load=None, elem_classes="heading")
