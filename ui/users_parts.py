"""The components of the users' page that events read and change, by name. Holds them, builds nothing."""

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class UsersParts:
    """`chosen` is a state, the id of the user that is opened; `bridge` brings what is pressed inside tables.

    `line` says what came of adding and removing, `answer` what came of a change of the user that is opened.
    """

    chosen: gr.State
    bridge: gr.HTML
    name: gr.Textbox
    role: gr.Radio
    password: gr.Textbox
    add: gr.Button
    line: gr.HTML
    table: gr.HTML
    one: gr.Column
    head: gr.HTML
    answer: gr.HTML
    new_role: gr.Radio
    give: gr.Button
    own_password: gr.HTML
    password_row: gr.Row
    new_password: gr.Textbox
    set_password: gr.Button
    keys: gr.HTML
    key_row: gr.Row
    key_name: gr.Textbox
    make_key: gr.Button
    removal: gr.HTML

    @property
    def opened(self) -> list[Any]:
        """What shows the user that is opened."""
        return [
            *(self.one, self.head, self.answer, self.new_role, self.own_password, self.password_row),
            *(self.new_password, self.keys, self.key_row, self.key_name, self.removal),
        ]

    @property
    def shown(self) -> list[Any]:
        """All that an event may change."""
        return [self.chosen, self.table, self.line, self.name, self.password, *self.opened]
