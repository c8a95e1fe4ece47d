"""The lab's tab: layout and wiring. What happens stands in `lab`, what is shown in `render_lab` and `render_misses`."""

import gradio as gr

from core.lab_desk import LabDesk
from ui.lab import Lab, LabView
from ui.lab_parts import LabParts
from ui.language import t
from ui.quiet import AT_ONCE
from ui.render_status import line_html
from ui.safe_html import escape

LOOK_SECONDS = 3.0
_BRIDGE = "document.addEventListener('graft-lab', (event) => trigger(event.detail.event, event.detail.data))"


def build_lab() -> LabParts:
    """Create the components inside the current Gradio context."""
    view = gr.State(LabView())
    bridge = gr.HTML(elem_id="lab-bridge", js_on_load=_BRIDGE)
    timer = gr.Timer(LOOK_SECONDS, active=False)
    with gr.Row(elem_id="lab", equal_height=False):
        with gr.Column(elem_id="lab-side", elem_classes="board", min_width=0):
            _heading(t("Run a lab"))
            _note(
                t(
                    "Asks the test questions in several ways and measures which is best. It runs by itself: "
                    "this page may be closed meanwhile."
                )
            )
            arms = gr.CheckboxGroup([], label=t("Ways of answering"), elem_id="lab-arms")
            every = gr.Checkbox(True, label=t("All questions"), elem_id="lab-every")
            questions = gr.Number(
                50, label=t("How many questions"), info=t("Fewer take less time, and tell less."), precision=0,
                minimum=1, visible=False, elem_id="lab-questions",
            )  # fmt: skip
            seed = gr.Number(
                11, label=t("Seed"), info=t("The same number draws the same questions."), precision=0, visible=False,
                elem_id="lab-seed",
            )  # fmt: skip
            controls = gr.Checkbox(
                label=t("Check that passages are read"),
                info=t("Asks again with passages swapped, shuffled and falsified. Takes several times as long."),
                elem_id="lab-controls",
            )
            curve = gr.Checkbox(
                label=t("Learning curve"),
                info=t("Trains on 10, 25 and 50% of the examples first, to see whether more would help. Takes long."),
                elem_id="lab-curve",
            )
            start = gr.Button(t("Start"), variant="primary", elem_id="lab-start", min_width=0)
            line = gr.HTML(line_html(""), elem_id="lab-line", js_on_load=None)
        with gr.Column(elem_id="lab-main", min_width=0):
            running = gr.HTML(elem_id="lab-running", elem_classes="lab-list", js_on_load=None)
            _heading(t("Labs so far"))
            runs = gr.HTML(elem_id="lab-runs", elem_classes="lab-list", js_on_load=None)
            report = gr.HTML(elem_id="lab-report", js_on_load=None)
            with gr.Column(visible=False, elem_id="lab-missing", min_width=0) as missing:
                _heading(t("Misses"))
                arm = gr.Dropdown([], label=t("Way of answering"), elem_id="lab-arm")
                misses = gr.HTML(elem_id="lab-misses", js_on_load=None)
                with gr.Row(elem_id="lab-collecting-row", equal_height=True):
                    count = gr.Number(20, label=t("How many examples"), precision=0, minimum=1, elem_id="lab-count")
                    collect = gr.Button(t("Write examples near these misses"), elem_id="lab-collect", min_width=0)
                _note(
                    t(
                        "New questions about the documents in which something was missed, never those of the test. "
                        "They wait on the page Examples until somebody accepts them."
                    )
                )
            collecting = gr.HTML(elem_id="lab-collecting", js_on_load=None)
            _heading(t("Compare two labs"))
            with gr.Row(elem_id="lab-pair", equal_height=False):
                before = gr.Dropdown([], label=t("Before"), elem_id="lab-before")
                after = gr.Dropdown([], label=t("After"), elem_id="lab-after")
                compare = gr.Button(t("Compare"), elem_id="lab-compare", min_width=0)
            comparison = gr.HTML(elem_id="lab-comparison", js_on_load=None)
    return LabParts(
        view=view,
        bridge=bridge,
        timer=timer,
        arms=arms,
        every=every,
        questions=questions,
        seed=seed,
        controls=controls,
        curve=curve,
        start=start,
        line=line,
        running=running,
        runs=runs,
        report=report,
        before=before,
        after=after,
        compare=compare,
        comparison=comparison,
        missing=missing,
        arm=arm,
        misses=misses,
        count=count,
        collect=collect,
        collecting=collecting,
    )


def wire_lab(desk: LabDesk, tab: gr.Tab, parts: LabParts) -> None:
    """Connect the components to what happens."""
    lab = Lab(desk, parts)
    misses = [*parts.opened, parts.collect]
    offered = [parts.arms, parts.every, parts.questions, parts.seed, parts.timer]
    tab.select(lab.load, parts.view, [*parts.listed, *offered], **AT_ONCE)
    parts.timer.tick(lab.look, parts.view, parts.listed, **AT_ONCE)
    parts.every.input(lab.sample, parts.every, [parts.questions, parts.seed], **AT_ONCE)
    parts.start.click(lab.start, [*parts.wish, parts.view], parts.listed, **AT_ONCE)
    parts.bridge.select(lab.act, parts.view, [*parts.listed, *misses], **AT_ONCE)
    parts.bridge.delete(lab.cancel, parts.view, parts.listed, **AT_ONCE)
    parts.compare.click(lab.compare, [parts.before, parts.after], parts.comparison, **AT_ONCE)
    parts.arm.input(lab.choose_arm, [parts.arm, parts.view], [parts.view, parts.line, *misses], **AT_ONCE)
    parts.collect.click(lab.collect, [parts.count, parts.view], parts.listed, **AT_ONCE)


def _heading(text: str) -> None:
    gr.HTML(f"<h2>{escape(text)}</h2>", js_on_load=None, elem_classes="heading")


def _note(text: str) -> None:
    gr.HTML(f'<p class="note">{escape(text)}</p>', js_on_load=None)
