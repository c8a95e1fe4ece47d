"""The training tab: layout and wiring. What happens stands in `train`, what is shown in `render_train`."""

import gradio as gr

from core.training_desk import TrainingDesk
from ui.language import marked, t
from ui.quiet import AT_ONCE, QUIET
from ui.render_status import line_html
from ui.train import BUSY_SECONDS, Seen, Train
from ui.train_parts import TrainParts
from ui.train_words import DATA, METHODS, PRESETS

_BRIDGE = "document.addEventListener('graft-train', (event) => trigger(event.detail.event, event.detail.data))"
# Boxes for text: Gradio's for numbers cannot be empty, and empty means the preset's.
_NUMBERS = {
    "max_minutes": (marked("Minutes at most"), marked("It ends then, with what it has learnt.")),
    "epochs": (marked("Passes over the data"), ""),
    "max_steps": (marked("Steps at most"), marked("A few are enough to try whether all of it works.")),
    "rank": (marked("Rank"), marked("Size of the addition: 8 is small, 64 is large.")),
    "learning_rate": (
        marked("Learning rate"),
        marked("How far each step goes. Too high, and it forgets its language."),
    ),
    "validation_share": (marked("Share held out"), marked("Of the examples, to see when more training stops helping.")),
    "seed": (marked("Seed"), marked("Another one gives another order of the examples.")),
}


def build_train(desk: TrainingDesk) -> TrainParts:
    """Create the components inside the current Gradio context."""
    kinds = [(t(words), name) for name, (words, _) in DATA.items()]
    methods = [(t(METHODS[offer.method][0]), offer.method) for offer in desk.methods() if offer.data == kinds[0][1]]
    presets = [(t(PRESETS[offer.preset]), offer.preset) for offer in desk.presets()]
    seen = gr.State(Seen())
    bridge = gr.HTML(elem_id="train-bridge", js_on_load=_BRIDGE)
    timer = gr.Timer(BUSY_SECONDS, active=False)
    with gr.Row(elem_id="train", equal_height=False):
        with gr.Column(elem_id="train-side", min_width=0):
            data = gr.Radio(
                kinds, value=kinds[0][1], label=t("What to learn from"), elem_id="train-data", elem_classes="tiles"
            )
            method = gr.Dropdown(
                methods, value=methods[0][1], label=t("Method"), filterable=False, elem_id="train-method"
            )
            about = gr.HTML(elem_id="train-about", js_on_load=None)
            preset = gr.Dropdown(
                presets, value=presets[0][1], label=t("How thorough"), filterable=False, elem_id="train-preset"
            )
            with gr.Accordion(t("Finer settings"), open=False, elem_id="train-options"):
                numbers = {
                    name: gr.Textbox(
                        label=t(words), info=t(info) if info else None, max_length=12, elem_id=f"train-{name}"
                    )
                    for name, (words, info) in _NUMBERS.items()
                }
                activate = gr.Checkbox(value=True, label=t("Use the adapter when it is done"), elem_id="train-activate")
                ignore = gr.Checkbox(
                    value=False, label=t("Start even if memory seems too small"), elem_id="train-ignore"
                )
            with gr.Row(elem_id="train-go", equal_height=True):
                plan = gr.Button(t("Show the plan"), elem_id="train-plan", min_width=0)
                start = gr.Button(t("Start"), variant="primary", interactive=False, elem_id="train-start", min_width=0)
            planned = gr.HTML(elem_id="train-planned", js_on_load=None)
            line = gr.HTML(line_html(""), elem_id="train-line", js_on_load=None)
        with gr.Column(elem_id="train-main", min_width=0):
            with gr.Row(elem_id="train-now", equal_height=True):
                view = gr.HTML(elem_id="train-view", js_on_load=None)
                cancel = gr.Button(t("Cancel"), variant="stop", visible=False, elem_id="train-cancel", min_width=0)
                resume = gr.Button(t("Go on"), visible=False, elem_id="train-resume", min_width=0)
            plots = gr.HTML(elem_id="train-plots", js_on_load=None)
            runs = gr.HTML(elem_id="train-runs", js_on_load=None)
            with gr.Row(elem_id="adapters-head"):
                gr.HTML(f"<h2>{t('Adapters')}</h2>", js_on_load=None, elem_classes="heading")
                back = gr.Button(
                    t("Back to the one before"), size="sm", visible=False, elem_id="train-back", min_width=0
                )
            adapters = gr.HTML(elem_id="adapters-list", js_on_load=None)
            anyway = gr.Button(
                t("Use it all the same"), variant="stop", size="sm", visible=False, elem_id="train-anyway", min_width=0
            )
            adapter = gr.HTML(elem_id="train-adapter", js_on_load=None)
    return TrainParts(
        seen=seen,
        bridge=bridge,
        timer=timer,
        data=data,
        method=method,
        about=about,
        preset=preset,
        numbers=numbers,
        activate=activate,
        ignore_memory=ignore,
        plan=plan,
        start=start,
        line=line,
        planned=planned,
        view=view,
        cancel=cancel,
        resume=resume,
        plots=plots,
        adapters=adapters,
        back=back,
        adapter=adapter,
        anyway=anyway,
        runs=runs,
    )


def wire_train(desk: TrainingDesk, tab: gr.Tab, parts: TrainParts) -> None:
    """Connect the components to what happens."""
    train = Train(desk, parts)
    explained = [parts.about, parts.planned, parts.start, parts.line]
    tab.select(train.open, [parts.seen, parts.data, parts.method], [*parts.acted, parts.about, parts.timer], **AT_ONCE)
    parts.timer.tick(train.look, parts.seen, [*parts.followed, parts.line, parts.adapter], **AT_ONCE)
    parts.data.input(train.choose_data, parts.data, [parts.method, *explained], **AT_ONCE)
    parts.method.input(train.explain, [parts.data, parts.method], explained, **AT_ONCE)
    for part in (parts.preset, parts.activate, parts.ignore_memory):
        part.input(train.changed, None, [parts.planned, parts.start], **AT_ONCE)
    for box in parts.numbers.values():
        box.change(train.changed, None, [parts.planned, parts.start], **AT_ONCE)
    chosen = [parts.seen, *parts.chosen]
    work = {"concurrency_id": "train-plan", "concurrency_limit": 1, **QUIET}
    parts.plan.click(train.plan, chosen, [parts.seen, parts.line, parts.plan, parts.planned, parts.start], **work)
    parts.start.click(train.start, chosen, parts.acted, **AT_ONCE)
    parts.cancel.click(train.cancel, parts.seen, parts.acted, **AT_ONCE)
    parts.resume.click(train.resume, parts.seen, parts.acted, **AT_ONCE)
    activating = {"concurrency_id": "activate", "concurrency_limit": 1, **QUIET}
    parts.bridge.select(train.act, parts.seen, parts.acted, **activating)
    parts.anyway.click(train.anyway, parts.seen, parts.acted, **activating)
    parts.back.click(train.back, parts.seen, parts.acted, **activating)
