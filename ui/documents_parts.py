"""The components of the documents' page that events read and change, by name. Holds them, builds nothing."""

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class DocumentsParts:
    """`view` is a state; `bridge` brings what is pressed inside tables."""

    view: gr.State
    bridge: gr.HTML
    files: gr.File
    add: gr.Button
    uploads: gr.HTML
    update: gr.Button
    verify: gr.Button
    rebuild: gr.Button
    line: gr.HTML
    search: gr.Textbox
    state: gr.Radio
    table: gr.HTML
    chunks: gr.HTML
    question: gr.Textbox
    ask: gr.Button
    hits: gr.HTML

    @property
    def looking(self) -> list[Any]:
        """What says which documents are looked at."""
        return [self.search, self.state, self.view]

    @property
    def listed(self) -> list[Any]:
        """What shows them."""
        return [self.view, self.table, self.chunks, self.line]

    @property
    def working(self) -> list[Any]:
        """What shows a piece of work."""
        return [self.line, self.add, self.update, self.verify, self.rebuild]
