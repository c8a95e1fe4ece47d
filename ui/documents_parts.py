"""The components of the documents' page that events read and change, by name. Holds them, builds nothing."""

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class DocumentsParts:
    """`view` is a state; `bridge` brings what is pressed inside tables. `corpus` says whose documents these are.

    `paths` is filled in the browser: where each file of an uploaded folder stood in it, as JSON.
    """

    view: gr.State
    bridge: gr.HTML
    timer: gr.Timer
    corpus: gr.Dropdown
    remove: gr.HTML
    title: gr.Textbox
    create: gr.Button
    adding: gr.Column
    files: gr.File
    folder: gr.File
    paths: gr.Textbox
    add: gr.Button
    uploads: gr.HTML
    watching: gr.Column
    watched: gr.Textbox
    watch: gr.Button
    folders: gr.HTML
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
        return [self.corpus, self.search, self.state, self.view]

    @property
    def listed(self) -> list[Any]:
        """What shows them."""
        return [self.view, self.table, self.chunks, self.line, self.folders]

    @property
    def shelved(self) -> list[Any]:
        """What shows the collections, and what the chosen one allows."""
        return [self.corpus, self.remove, self.title, self.adding, self.watching, self.update, self.uploads, self.hits]

    @property
    def working(self) -> list[Any]:
        """What shows a piece of work."""
        return [self.line, self.add, self.update, self.verify, self.rebuild]
