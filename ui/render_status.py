"""HTML of the status strip above the chat and of the one line under the question box. Knows no Gradio."""

from core.service import PartStatus, ServiceStatus, TrainingStatus
from core.turns import Turn
from core.types import Answer
from ui.safe_html import escape

_STATE_WORDS = {
    "waiting": "waiting",
    "starting": "starting",
    "ready": "ready",
    "restarting": "restarting",
    "failed": "failed",
}
_TRAINING_NOW = frozenset({"preparing", "training", "paused", "publishing"})


def strip_html(status: ServiceStatus) -> str:
    """Three cells of constant height (model, documents, adapter); failures get a sentence each below."""
    cells = [
        _part_cell("Model", status.model),
        _part_cell("Documents", status.corpus),
        _adapter_cell(status),
    ]
    troubles = [part.detail for part in (status.model, status.corpus) if part.state == "failed" and part.detail]
    if status.training.state == "failed" and status.training.detail:
        troubles.append(f"Training failed: {status.training.detail}")
    alerts = "".join(f'<p class="trouble" role="alert">{escape(trouble)}</p>' for trouble in troubles)
    return f'<div class="strip" role="status">{"".join(cells)}</div>{alerts}'


def not_ready_reason(status: ServiceStatus) -> str | None:
    """Why no question can be answered now, as a sentence; None when one can."""
    if status.ready:
        return None
    if status.corpus.state == "ready" and status.model.state in {"restarting", "failed"}:
        return None  # the passages that fit the question are shown instead of an answer
    for name, part in (("model", status.model), ("index of the documents", status.corpus)):
        if part.state == "failed":
            return f"The {name} has failed; the reason stands above."
    if status.corpus.state != "ready":
        return f"The documents are being read{_share(status.corpus)}. You can already type."
    return f"The model is starting{_share(status.model)}. You can already type."


def adapter_news(adapter: str) -> str:
    """The sentence for an adapter that has just joined."""
    return f"Adapter {adapter} is ready and can be chosen under “How to answer”."


def turn_line(turn: Turn) -> str:
    """What is going on with an answer, as one line."""
    found = ""
    if turn.passages is not None and turn.search_seconds is not None:
        count = len(turn.passages)
        found = f"{count} passage{'' if count == 1 else 's'} in {_seconds(turn.search_seconds)}"
    match turn.state:
        case "waiting" | "searching":
            doing = "Searching" if turn.question.arm.retrieval else "Asking the model"
            parts = [f"{doing} … {_seconds(turn.seconds)}"]
        case "writing":
            parts = [found, f"writing … {_seconds(turn.seconds)}"]
        case "stopped":
            parts = [found, f"stopped after {_seconds(turn.seconds)}"]
        case "failed":
            parts = ["No answer; the reason is in the chat"]
        case _:
            parts = [found, *(_spent(turn.answer) if turn.answer else ())]
    return " · ".join(part for part in parts if part)


def line_html(text: str, *, waiting: bool = False) -> str:
    """One line under the question box."""
    return f'<p class="line{" waiting" if waiting else ""}" role="status" title="{escape(text)}">{escape(text)}</p>'


def trouble_html(text: str) -> str:
    """What has gone wrong, as a sentence."""
    return f'<p class="trouble" role="alert">{escape(text)}</p>'


def _spent(answer: Answer) -> list[str]:
    spent = [f"answered in {_seconds(answer.seconds)}"]
    usage = answer.usage
    if usage.completion_tokens:
        spent.append(f"{usage.prompt_tokens:,} tokens read, {usage.completion_tokens:,} written")
    return spent


def _part_cell(name: str, part: PartStatus) -> str:
    words = part.detail if part.state != "failed" and part.detail else _STATE_WORDS[part.state]
    busy = part.state in {"waiting", "starting", "restarting"}
    return _cell(name, part.state if not busy else "busy", f"{words}{_share(part)}", part.progress if busy else None)


def _adapter_cell(status: ServiceStatus) -> str:
    training = status.training
    if training.state in _TRAINING_NOW:
        return _cell("Adapter", "busy", _training_words(training), training.progress)
    if status.adapter:
        return _cell("Adapter", "ready", f"{status.adapter} in use", None)
    if training.state == "failed":
        return _cell("Adapter", "failed", "training failed", None)
    return _cell("Adapter", "none", training.detail or "none trained yet", None)


def _training_words(training: TrainingStatus) -> str:
    if training.state == "preparing":
        return training.detail or "preparing the examples"
    if training.state == "publishing":
        return "checking and publishing"
    verb = "paused while answering" if training.state == "paused" else "training"
    parts = [f"{verb} {training.progress:.0%}"]
    if training.seconds_left is not None:
        parts.append(f"{_time_left(training.seconds_left)} left")
    if training.loss is not None:
        parts.append(f"loss {training.loss:.2f}")
    return ", ".join(parts)


def _cell(name: str, kind: str, words: str, progress: float | None) -> str:
    bar = ""
    if progress is not None:
        width = max(0.0, min(1.0, progress)) * 100
        bar = f'<span class="bar"><span style="width:{width:.1f}%"></span></span>'
    return (
        f'<div class="cell {kind}" title="{escape(f"{name}: {words}")}"><span class="dot"></span>'
        f'<span class="name">{escape(name)}</span><span class="words">{escape(words)}</span>{bar}</div>'
    )


def _share(part: PartStatus) -> str:
    shows_share = part.progress is not None and part.state not in {"ready", "failed"}
    return f" ({part.progress:.0%})" if shows_share else ""


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if 0 < seconds < 1 else f"{seconds:.1f} s"


def _time_left(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{round(seconds / 60)} min"
