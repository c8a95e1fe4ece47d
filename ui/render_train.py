"""HTML of the training page: the plan, what a training is at, its plots, the runs. Knows no Gradio."""

from collections.abc import Sequence

from core.training_desk import DataOffer, MethodOffer, PlanFacts, RunRow, TrainingView
from ui.language import several, spoken, t
from ui.line_plot import Series, line_plot
from ui.safe_html import escape
from ui.train_words import DATA, MEMORY, METHODS, STATES


def choice_html(data: DataOffer | None, method: MethodOffer | None) -> str:
    """What the chosen data and method are, and what stands against them."""
    parts = []
    if data is not None:
        counted = several(data.count, "There is {count} of them.", "There are {count} of them.")
        parts.append(f'<p class="note">{escape(t(DATA[data.data][1]))} {escape(counted)}</p>')
        if data.trouble:
            parts.append(f'<p class="trouble">{escape(spoken(data.trouble))}</p>')
    if method is not None:
        parts.append(f'<p class="note">{escape(t(METHODS[method.method][1]))}</p>')
        if method.trouble:
            parts.append(f'<p class="trouble">{escape(spoken(method.trouble))}</p>')
    return "".join(parts)


def plan_html(plan: PlanFacts, trouble: str) -> str:
    """What a training will take; `trouble`: why it is refused."""
    share = 100 * plan.trainable / max(plan.parameters, 1)
    data = several(plan.rows, "{count} row", "{count} rows")
    if plan.held_out:
        data += t(", ") + t("{count} more held out to check on", count=f"{plan.held_out:,}")
    parts = t(", ").join(f"{t(MEMORY.get(name, name))} {size:.1f}" for name, size in plan.memory.items())
    limit = t("ended by its limit of {minutes} minutes", minutes=f"{plan.max_minutes:g}") if plan.ends_early else ""
    passes = f"{plan.epochs:.3g}"
    once = int(passes == "1") or 2
    over = several(once, "{passes} pass over the data", "{passes} passes over the data", passes=passes)
    steps = t(", ").join([several(plan.steps, "{count} step", "{count} steps"), over])
    time = t("about {time}", time=duration(plan.seconds)) + (t(", ") + limit if limit else "")
    speed = t("{speed} tokens a second ({source})", speed=f"{plan.speed:,.0f}", source=spoken(plan.speed_from))
    needs, free = f"{plan.needs:.1f}", f"{plan.available:.1f}"
    memory = t("{needs} GiB needed ({parts}), {free} GiB free", needs=needs, parts=parts, free=free)
    trained, whole = f"{plan.trainable:,}", f"{plan.parameters:,}"
    size = t("{trained} of {all} parameters ({share}%)", trained=trained, all=whole, share=f"{share:.3g}")
    facts = [
        (t("Time"), time),
        (t("Speed"), speed),
        (t("Memory"), memory),
        (t("What is trained"), size),
        (t("Data"), data + t(", ") + t("{count} tokens", count=f"{plan.tokens:,}")),
        (t("Steps"), steps),
    ]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    doubt = several(
        plan.likely_steps,
        "{count} step is too little to learn from and may spoil the answers: add examples, or give it more time.",
        "About {count} steps are too few to learn from and may spoil the answers: add examples, or give it more time.",
    )
    few = f'<p class="trouble">{escape(doubt)}</p>' if plan.few_steps else ""
    verdict = f'<p class="fine">{escape(t("It fits. Press Start when you like."))}</p>'
    if trouble:
        verdict = f'<p class="trouble" role="alert">{escape(trouble)}</p>'
    return f'<div class="plan"><h3>{escape(t("The plan"))}</h3><dl class="facts">{rows}</dl>{few}{verdict}</div>'


def view_html(view: TrainingView) -> str:
    """What the training is at, with its figures and a bar."""
    title = t(STATES[view.state])
    if view.state == "stopped" and view.resumable:
        title = t("Stopped. It can go on from where it was.")
    words = spoken(view.detail) if view.detail and view.state not in ("done", "stopped") else ""
    name = ""
    if view.method:
        name = t(METHODS[view.method][0]) if view.method in METHODS else view.method
    kind = {"failed": "bad", "done": "good", "stopped": "warn"}.get(view.state, "neutral")
    badge = f'<span class="badge {kind}">{escape(title)}</span>' if view.state != "none" else escape(title)
    head = f'<p class="train-state" role="status">{badge} {escape(name)}</p>'
    if words:
        trouble = ' class="trouble" role="alert"' if view.state == "failed" else ' class="note"'
        head += f"<p{trouble}>{escape(words)}</p>"
    bar = ""
    if view.busy:
        width = f"{100 * max(0.0, min(1.0, view.progress)):.1f}%"
        bar = f'<div class="bar" aria-hidden="true"><span style="width:{width}"></span></div>'
    figures = "".join(
        f'<div><span class="figure">{escape(value)}</span><span class="what">{escape(what)}</span></div>'
        for what, value in _figures(view)
    )
    return head + bar + (f'<div class="figures">{figures}</div>' if figures else "")


def plots_html(view: TrainingView) -> str:
    """Loss and speed over the steps."""
    loss = [(point.step, point.loss) for point in view.points if point.loss is not None]
    held_out = [(point.step, point.validation_loss) for point in view.points if point.validation_loss is not None]
    speed = [(point.step, point.tokens_per_second) for point in view.points if point.tokens_per_second is not None]
    across = float(view.steps or (view.points[-1].step if view.points else 0))
    plots = [
        line_plot(
            t("Loss, by step: lower is better"),
            [Series(t("training"), "first", loss), Series(t("held out"), "second", held_out)],
            across=across,
        ),
        line_plot(t("Tokens a second, by step"), [Series(t("speed"), "third", speed)], across=across, digits=0),
    ]
    return "".join(plot for plot in plots if plot is not None)


def runs_html(runs: Sequence[RunRow]) -> str:
    """The runs, newest first; one that is done and was not published can be."""
    if not runs:
        return ""
    names = (t("Begun"), t("Method"), t("Steps"), t("Loss"), t("Result"))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(_run(run) for run in runs)
    title = escape(t("All trainings"))
    table = f'<table class="documents runs"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<details class="runs" data-desk="train"><summary>{title} ({len(runs)})</summary>{table}</details>'


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return t("{seconds} seconds", seconds=f"{seconds:.0f}")
    if seconds < 5400:
        return t("{minutes} minutes", minutes=f"{seconds / 60:.0f}")
    return t("{hours} hours", hours=f"{seconds / 3600:.1f}")


def _figures(view: TrainingView) -> list[tuple[str, str]]:
    found = []
    if view.steps:
        found.append((t("steps"), f"{view.step:,} / {view.steps:,}"))
    if view.seconds_left is not None and view.busy:
        found.append((t("left"), duration(view.seconds_left)))
    for what, value, form in (
        (t("loss"), view.loss, "{:.3f}"),
        (t("held-out loss"), view.validation_loss, "{:.3f}"),
        (t("tokens a second"), view.tokens_per_second, "{:,.0f}"),
    ):
        if value is not None:
            found.append((what, form.format(value)))
    if view.seconds and not view.busy:
        found.append((t("took"), duration(view.seconds)))
    return found


def _run(run: RunRow) -> str:
    if run.adapter:
        result = escape(run.adapter)
    elif run.done:
        source, words = escape(run.run), escape(t("Publish"))
        button = f'button type="button" class="desk-action" value="publish" data-source="{source}"'
        result = f"<{button}>{words}</button>"
    else:
        result = escape(t("not finished"))
    method = t(METHODS[run.method][0]) if run.method in METHODS else run.method
    loss = f"{run.loss:.3f}" if run.loss is not None else ""
    steps = f"{run.step:,} / {run.steps:,}" if run.steps else ""
    return (
        f'<tr><th scope="row">{escape(run.started)}</th><td>{escape(method)}, {escape(run.preset)}</td>'
        f'<td>{steps}</td><td>{loss}</td><td class="actions">{result}</td></tr>'
    )
