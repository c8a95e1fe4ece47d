"""The form in which an answer is rated and corrected: its components, and their wiring to `ui.ratings`."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.feedback import REASONS
from core.feedback_store import FeedbackStore
from core.pack import DomainPack
from ui.language import spoken, t
from ui.quiet import AT_ONCE
from ui.show import Shower


@dataclass(frozen=True)
class RatingForm:
    """The components of the form."""

    head: gr.HTML
    reasons: gr.CheckboxGroup
    comment: gr.Textbox
    answer: gr.Textbox
    missing: gr.Checkbox
    problem: gr.HTML
    save: gr.Button
    close: gr.Button

    @property
    def inputs(self) -> list[Any]:
        """What a user fills in."""
        return [self.reasons, self.comment, self.answer, self.missing]

    @property
    def outputs(self) -> list[Any]:
        """What is filled in when the form opens."""
        return [self.head, *self.inputs, self.problem]


def build_rating_form() -> tuple[gr.Column, RatingForm]:
    """Create the form inside the current Gradio context, out of sight."""
    with gr.Column(elem_id="rating", visible=False) as column:
        head = gr.HTML(elem_id="rating-head", js_on_load=None)
        reasons = gr.CheckboxGroup(
            [(spoken(words), key) for key, words in REASONS.items()],
            label=t("What is wrong with it?"),
            elem_id="reasons",
        )
        comment = gr.Textbox(label=t("Remark"), lines=1, max_lines=4, max_length=2000, elem_id="remark")
        answer = gr.Textbox(
            label=t("The right answer"),
            info=t("Change it to what it should say. Marks such as [1] name the source it rests on."),
            lines=5,
            max_lines=14,
            max_length=20_000,
            elem_id="right-answer",
        )
        missing = gr.Checkbox(label=t("The documents do not hold the answer"), elem_id="missing")
        problem = gr.HTML(elem_id="rating-problem", js_on_load=None)
        with gr.Row(elem_id="rating-buttons"):
            save = gr.Button(t("Save"), variant="primary", elem_id="rating-save", min_width=0)
            close = gr.Button(t("Close"), elem_id="rating-close", min_width=0)
    form = RatingForm(
        head=head,
        reasons=reasons,
        comment=comment,
        answer=answer,
        missing=missing,
        problem=problem,
        save=save,
        close=close,
    )
    return column, form


def wire_ratings(pack: DomainPack, feedback: FeedbackStore, show: Shower, form: RatingForm) -> None:
    """Connect the buttons under answers, and the form, to what happens."""
    from ui.ratings import Ratings

    parts = show.parts
    ratings = Ratings(pack, feedback, show, form)
    shown = [parts.talk, parts.chat, parts.line, parts.rating, parts.rated]
    parts.bridge.like(ratings.rate, [parts.talk, parts.writing], [*shown, *form.outputs], **AT_ONCE)
    form.save.click(
        ratings.save, [parts.talk, parts.writing, parts.rated, *form.inputs], [*shown, form.problem], **AT_ONCE
    )
    form.close.click(ratings.close, None, [parts.rating, parts.rated], **AT_ONCE)
