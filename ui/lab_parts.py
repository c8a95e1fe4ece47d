"""The components of the lab's page that events read and change, by name. Holds them, builds nothing."""

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class LabParts:
    """`view` is a state; `bridge` brings what is pressed inside lists."""

    view: gr.State
    bridge: gr.HTML
    timer: gr.Timer
    arms: gr.CheckboxGroup
    every: gr.Checkbox
    questions: gr.Number
    seed: gr.Number
    controls: gr.Checkbox
    curve: gr.Checkbox
    start: gr.Button
    line: gr.HTML
    running: gr.HTML
    runs: gr.HTML
    report: gr.HTML
    before: gr.Dropdown
    after: gr.Dropdown
    compare: gr.Button
    comparison: gr.HTML
    missing: gr.Column
    arm: gr.Dropdown
    misses: gr.HTML
    count: gr.Number
    collect: gr.Button
    collecting: gr.HTML

    @property
    def wish(self) -> list[Any]:
        """What says what is to be run."""
        return [self.arms, self.every, self.questions, self.seed, self.controls, self.curve]

    @property
    def listed(self) -> list[Any]:
        """What shows the labs there are."""
        return [self.view, self.line, self.running, self.runs, self.before, self.after, self.start, self.collecting]

    @property
    def opened(self) -> list[Any]:
        """What shows one of them."""
        return [self.report, self.missing, self.arm, self.misses]
