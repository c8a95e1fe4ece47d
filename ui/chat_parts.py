"""The components of the chat that events read and change, by name. Holds them, builds nothing."""

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class ChatParts:
    """`talk`, `writing` and `rated` (id of the turn in the rating panel) are states; the rest is on the page."""

    talk: gr.State
    writing: gr.State
    chat: gr.Chatbot
    sources: gr.HTML
    line: gr.HTML
    send: gr.Button
    stop: gr.Button
    box: gr.Textbox
    fresh: gr.Button
    cancel: gr.Button
    listing: gr.Radio
    search: gr.Textbox
    title: gr.Textbox
    menu: gr.HTML
    bridge: gr.HTML
    rating: gr.Column
    rated: gr.State
    attach: gr.UploadButton
    chips: gr.HTML
    adding: gr.HTML
    viewer: gr.HTML

    @property
    def shown(self) -> list[Any]:
        """What shows a conversation as it grows."""
        return [self.talk, self.chat, self.sources, self.line, self.send, self.stop, self.cancel]

    @property
    def changed(self) -> list[Any]:
        """What else changes when a conversation is begun, opened, renamed or deleted."""
        opened = [self.box, self.listing, self.search, self.title, self.menu, self.chips, self.adding, self.viewer]
        return [*self.shown, *opened, self.rating, self.rated]
