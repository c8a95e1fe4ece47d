"""The examples' tab: layout and wiring. What happens stands in `examples`, what is shown in `render_examples`."""

import gradio as gr

from core.example_desk import ExampleDesk
from core.pack import DomainPack
from core.types import STRUCTURED
from ui import choices
from ui.example_form import build_example_form
from ui.examples import Examples, View
from ui.examples_parts import ExamplesParts
from ui.language import marked, spoken, t
from ui.quiet import AT_ONCE, QUIET
from ui.render_status import line_html
from ui.safe_html import escape

_CHECKS = marked(
    "Looks for wrong shapes, quotes that are not in the documents, questions that repeat, and test questions among "
    "the training examples."
)
# Where there is no room beside the list, the form stands above it.
_SHOW_EDITOR = "() => { if (innerWidth <= 1180) document.querySelector('#curate-editor')?.scrollIntoView(); }"
_BRIDGE = "document.addEventListener('graft-examples', (event) => trigger(event.detail.event, event.detail.data))"


def build_examples(pack: DomainPack, desk: ExampleDesk) -> ExamplesParts:
    """Create the components inside the current Gradio context."""
    modes = [(t("Examples"), "examples"), (t("To review"), "review"), (t("Checks"), "check")]
    sets = [(t("For training"), "train"), (t("Test set"), "test")]
    statuses = [(t("Waiting"), "pending"), (t("Accepted"), "accepted"), (t("Rejected"), "rejected")]
    every = (t("All"), "")
    held = [every, (t("Documents hold the answer"), "yes"), (t("Documents do not"), "no")]
    view = gr.State(View())
    bridge = gr.HTML(elem_id="examples-bridge", js_on_load=_BRIDGE)
    with gr.Row(elem_id="curate", equal_height=False):
        with gr.Column(elem_id="curate-side", min_width=0):
            mode = gr.Radio(
                modes,
                value=modes[0][1],
                label=t("What to look at"),
                elem_id="curate-mode",
                elem_classes="tiles",
            )
            with gr.Column(min_width=0) as filters:
                split = gr.Radio(
                    sets,
                    value=sets[0][1],
                    label=t("Set"),
                    info=t("The test set is frozen: what is measured must not change."),
                    elem_id="curate-split",
                    elem_classes="tiles",
                )
                words = gr.Textbox(label=t("Words"), max_length=200, elem_id="curate-words")
                format = gr.Dropdown(
                    [every, *choices.format_choices(pack)], value="", label=t("Format"), filterable=False
                )
                named = [pair for pair in choices.schema_choices(pack) if pair[1]]
                schema = gr.Dropdown(
                    [every, *named], value="", label=t("Shape"), filterable=False, visible=bool(pack.schemas)
                )
                tag = gr.Dropdown([every], value="", label=t("Tag"))
                answerable = gr.Dropdown(
                    held,
                    value="",
                    label=t("Answer"),
                    filterable=False,
                )
                add = gr.Button(t("Add an example"), variant="primary", elem_id="curate-add", min_width=0)
            with gr.Column(min_width=0, visible=False) as review:
                status = gr.Radio(
                    statuses,
                    value=statuses[0][1],
                    label=t("Candidates"),
                    info=t("Corrections from the chat, and examples that a model wrote. You decide."),
                    elem_id="curate-status",
                    elem_classes="tiles",
                )
                take_in = gr.Button(t("Bring in what users said"), elem_id="curate-take-in", min_width=0)
            with gr.Column(min_width=0, visible=False) as checking:
                check = gr.Button(t("Check all examples"), variant="primary", elem_id="curate-check", min_width=0)
                gr.HTML(f'<p class="note">{escape(t(_CHECKS))}</p>', js_on_load=None)
            line = gr.HTML(line_html(""), elem_id="curate-line", js_on_load=None)
            if desk.note:
                gr.HTML(f'<p class="note">{escape(t("Note: {note}", note=spoken(desk.note)))}</p>', js_on_load=None)
        with gr.Column(elem_id="curate-main", min_width=0):
            listing = gr.HTML(elem_id="examples-list", js_on_load=None)
        with gr.Column(elem_id="curate-editor", min_width=0, visible=False) as editor:
            head = gr.HTML(elem_id="example-head", js_on_load=None)
            form = build_example_form(pack)
            findings = gr.HTML(elem_id="example-findings", js_on_load=None)
            with gr.Row(elem_id="example-buttons") as buttons:
                save = gr.Button(t("Save"), variant="primary", elem_id="example-save", min_width=0)
                try_it = gr.Button(t("Check"), elem_id="example-check", min_width=0)
                reject = gr.Button(t("Reject"), elem_id="example-reject", min_width=0)
                again = gr.Button(t("Let it wait again"), elem_id="example-again", min_width=0)
            close = gr.Button(t("Close"), elem_id="example-close", min_width=0, size="sm")
    return ExamplesParts(
        view=view,
        bridge=bridge,
        mode=mode,
        filters=filters,
        split=split,
        words=words,
        format=format,
        schema=schema,
        tag=tag,
        answerable=answerable,
        add=add,
        review=review,
        status=status,
        take_in=take_in,
        checking=checking,
        check=check,
        line=line,
        listing=listing,
        editor=editor,
        head=head,
        form=form,
        findings=findings,
        buttons=buttons,
        save=save,
        try_it=try_it,
        reject=reject,
        again=again,
        close=close,
    )


def wire_examples(pack: DomainPack, desk: ExampleDesk, tab: gr.Tab, parts: ExamplesParts) -> None:
    """Connect the components to what happens."""
    examples = Examples(pack, desk, parts)
    form = parts.form
    both = [*parts.listed, *parts.opened]
    tab.select(examples.list, parts.looking, parts.listed, **AT_ONCE)
    panels = [parts.filters, parts.review, parts.checking]
    parts.mode.input(examples.switch, parts.looking, [*both, *panels], **AT_ONCE)
    parts.words.change(examples.narrow, parts.looking, parts.listed, trigger_mode="always_last", **AT_ONCE)
    for part in (parts.split, parts.format, parts.schema, parts.tag, parts.answerable, parts.status):
        part.input(examples.narrow, parts.looking, parts.listed, **AT_ONCE)
    opened = parts.bridge.select(examples.act, parts.looking, both, **AT_ONCE)
    parts.bridge.delete(examples.remove, parts.looking, both, **AT_ONCE)
    added = parts.add.click(examples.add, parts.looking, both, **AT_ONCE)
    for event in (opened, added):
        event.then(None, None, None, js=_SHOW_EDITOR, **AT_ONCE)
    parts.take_in.click(examples.take_in, parts.looking, parts.listed, **AT_ONCE)
    parts.check.click(examples.check, parts.looking, [*parts.listed, parts.check], **QUIET)
    asked = [*parts.looking, *form.inputs]
    parts.save.click(examples.save, asked, both, **AT_ONCE)
    parts.try_it.click(examples.try_it, asked, [parts.findings, parts.view, parts.save], **AT_ONCE)
    parts.reject.click(examples.reject, parts.looking, both, **AT_ONCE)
    parts.again.click(examples.wait_again, parts.looking, both, **AT_ONCE)
    parts.close.click(examples.close, parts.looking, both, **AT_ONCE)
    form.format.input(
        lambda name: [
            gr.update(visible=name in STRUCTURED),
            gr.update(elem_classes=["code"] if name in STRUCTURED else []),
        ],
        form.format,
        [form.schema, form.answer],
        **AT_ONCE,
    )
    form.answerable.input(
        lambda answerable: [gr.update(visible=answerable)] * (1 + len(form.sources) + len(form.quotes)),
        form.answerable,
        [form.answer, *form.sources, *form.quotes],
        **AT_ONCE,
    )
