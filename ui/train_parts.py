"""The components of the training page that events read and change, by name. Holds them, builds nothing."""

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class TrainParts:
    """`seen` is a state; `bridge` brings what is pressed inside tables; `timer` looks whether something has changed."""

    seen: gr.State
    bridge: gr.HTML
    timer: gr.Timer
    data: gr.Radio
    method: gr.Dropdown
    about: gr.HTML
    preset: gr.Dropdown
    numbers: dict[str, gr.Textbox]
    activate: gr.Checkbox
    ignore_memory: gr.Checkbox
    plan: gr.Button
    start: gr.Button
    line: gr.HTML
    planned: gr.HTML
    view: gr.HTML
    cancel: gr.Button
    resume: gr.Button
    plots: gr.HTML
    adapters: gr.HTML
    back: gr.Button
    adapter: gr.HTML
    anyway: gr.Button
    runs: gr.HTML

    @property
    def chosen(self) -> list[Any]:
        """What a person chooses."""
        return [self.method, self.preset, self.activate, self.ignore_memory, *self.numbers.values()]

    @property
    def followed(self) -> list[Any]:
        """What shows a training and what came of it."""
        return [self.seen, self.view, self.cancel, self.resume, self.plots, self.adapters, self.runs, self.back]

    @property
    def acted(self) -> list[Any]:
        """What may change when a button was pressed."""
        return [*self.followed, self.line, self.adapter, self.anyway, self.planned, self.start]
