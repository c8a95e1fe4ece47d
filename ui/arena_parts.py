"""The components of the arena that events read and change, by name. Holds them, builds nothing."""

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class ArenaParts:
    """`contest` and `referee` are states; `best` are the buttons "A is best" to "D is best"."""

    contest: gr.State
    referee: gr.State
    box: gr.Textbox
    ask: gr.Button
    stop: gr.Button
    line: gr.HTML
    contestants: gr.Dropdown
    format: gr.Radio
    schema: gr.Dropdown
    corpus: gr.Dropdown
    blind: gr.Checkbox
    cards: gr.HTML
    votes: gr.Row
    best: tuple[gr.Button, ...]
    tie: gr.Button
    none: gr.Button
    standings: gr.HTML

    @property
    def shown(self) -> list[Any]:
        """What shows a contest."""
        return [self.contest, self.cards, self.line, self.ask, self.stop, self.votes, *self.best]
