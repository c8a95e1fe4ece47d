"""The components of the examples' page that events read and change, by name. Holds them, builds nothing."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.example_form import ExampleForm


@dataclass(frozen=True)
class ExamplesParts:
    """`view` is a state; `bridge` brings what is pressed inside tables."""

    view: gr.State
    bridge: gr.HTML
    mode: gr.Radio
    filters: gr.Column
    split: gr.Radio
    words: gr.Textbox
    format: gr.Dropdown
    schema: gr.Dropdown
    tag: gr.Dropdown
    answerable: gr.Dropdown
    add: gr.Button
    review: gr.Column
    status: gr.Radio
    take_in: gr.Button
    checking: gr.Column
    check: gr.Button
    line: gr.HTML
    listing: gr.HTML
    editor: gr.Column
    head: gr.HTML
    form: ExampleForm
    findings: gr.HTML
    buttons: gr.Row
    save: gr.Button
    try_it: gr.Button
    reject: gr.Button
    again: gr.Button
    close: gr.Button

    @property
    def looking(self) -> list[Any]:
        """What says which examples are looked at."""
        filters = [self.split, self.words, self.format, self.schema, self.tag, self.answerable, self.status]
        return [self.view, self.mode, *filters]

    @property
    def listed(self) -> list[Any]:
        """What shows them."""
        return [self.view, self.listing, self.line, self.tag]

    @property
    def opened(self) -> list[Any]:
        """What shows the one that is open."""
        buttons = [self.buttons, self.save, self.try_it, self.reject, self.again]
        return [self.editor, self.head, *self.form.outputs, self.findings, *buttons]
