"""HTML of the status strip above the chat and of the one line under the question box. Knows no Gradio."""

from core.service import PartStatus, ServiceStatus, TrainingStatus
from core.turns import Turn
from core.types import Answer
from ui.language import marked, several, spoken, t
from ui.measures import minutes, seconds, tokens
from ui.safe_html import escape

_STATE_WORDS = {
    "waiting": marked("waiting"),
    "starting": marked("starting"),
    "ready": marked("ready"),
    "restarting": marked("restarting"),
    "failed": marked("failed"),
}
_TRAINING_NOW = frozenset({"preparing", "training", "paused", "publishing"})


def strip_html(status: ServiceStatus) -> str:
    """Three cells of constant height (model, documents, adapter); failures get a sentence each below."""
    cells = [
        _part_cell(t("Model"), status.model),
        _part_cell(t("Documents"), status.corpus),
        _adapter_cell(status),
    ]
    troubles = [spoken(part.detail) for part in (status.model, status.corpus) if part.state == "failed" and part.detail]
    if status.training.state == "failed" and status.training.detail:
        troubles.append(t("Training failed: {reason}", reason=spoken(status.training.detail)))
    alerts = "".join(f'<p class="trouble" role="alert">{escape(trouble)}</p>' for trouble in troubles)
    return f'<div class="strip" role="status">{"".join(cells)}</div>{alerts}'


def not_ready_reason(status: ServiceStatus) -> str | None:
    """Why no question can be answered now, as a sentence; None when one can."""
    if status.ready:
        return None
    if status.corpus.state == "ready" and status.model.state in {"restarting", "failed"}:
        return None  # the passages that fit the question are shown instead of an answer
    if status.model.state == "failed":
        return t("The model has failed; the reason stands above.")
    if status.corpus.state == "failed":
        return t("The index of the documents has failed; the reason stands above.")
    if status.corpus.state != "ready":
        return t("The documents are being read{share}. You can already type.", share=_share(status.corpus))
    return t("The model is starting{share}. You can already type.", share=_share(status.model))


def adapter_news(adapter: str) -> str:
    """The sentence for an adapter that has just joined."""
    return t("Adapter {adapter} is ready and can be chosen under “How to answer”.", adapter=adapter)


def turn_line(turn: Turn) -> str:
    """What is going on with an answer, as one line."""
    found = ""
    if turn.passages is not None and turn.search_seconds is not None:
        took = _seconds(turn.search_seconds)
        found = several(len(turn.passages), "{count} passage in {time}", "{count} passages in {time}", time=took)
    match turn.state:
        case "waiting" | "searching":
            doing = t("Searching") if turn.question.arm.retrieval else t("Asking the model")
            parts = [f"{doing} … {_seconds(turn.seconds)}"]
        case "writing":
            parts = [found, t("writing … {time}", time=_seconds(turn.seconds))]
        case "stopped":
            parts = [found, t("stopped after {time}", time=_seconds(turn.seconds))]
        case "failed":
            parts = [t("No answer; the reason is in the chat")]
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
    spent = [t("answered in {time}", time=_seconds(answer.seconds))]
    usage = answer.usage
    if usage.completion_tokens:
        spent.append(tokens(usage.prompt_tokens, usage.completion_tokens))
    return spent


def _part_cell(name: str, part: PartStatus) -> str:
    words = spoken(part.detail) if part.state != "failed" and part.detail else t(_STATE_WORDS[part.state])
    busy = part.state in {"waiting", "starting", "restarting"}
    return _cell(name, part.state if not busy else "busy", f"{words}{_share(part)}", part.progress if busy else None)


def _adapter_cell(status: ServiceStatus) -> str:
    training = status.training
    if training.state in _TRAINING_NOW:
        return _cell(t("Adapter"), "busy", _training_words(training), training.progress)
    if status.adapter:
        return _cell(t("Adapter"), "ready", t("{adapter} in use", adapter=status.adapter), None)
    if status.loading:
        gone = status.model.state == "failed"
        name = status.loading
        words = t("{adapter}, not loaded", adapter=name) if gone else t("{adapter}, loading", adapter=name)
        return _cell(t("Adapter"), "none" if gone else "busy", words, None)
    if training.state == "failed":
        return _cell(t("Adapter"), "failed", t("training failed"), None)
    if training.state == "done":
        return _cell(t("Adapter"), "none", t("{adapter} trained, not in use", adapter=training.detail), None)
    return _cell(t("Adapter"), "none", spoken(training.detail) or t("none trained yet"), None)


def _training_words(training: TrainingStatus) -> str:
    if training.state == "preparing":
        return spoken(training.detail) or t("preparing the examples")
    if training.state == "publishing":
        return t("checking and publishing")
    share = f"{training.progress:.0%}"
    paused = training.state == "paused"
    parts = [t("paused while answering {share}", share=share) if paused else t("training {share}", share=share)]
    if training.seconds_left is not None:
        parts.append(t("{time} left", time=minutes(training.seconds_left)))
    if training.loss is not None:
        parts.append(t("loss {loss}", loss=f"{training.loss:.2f}"))
    return t(", ").join(parts)


def _cell(name: str, kind: str, words: str, progress: float | None) -> str:
    bar = ""
    if progress is not None:
        width = max(0.0, min(1.0, progress)) * 100
        bar = f'<span class="bar"><span style="width:{width:.1f}%"></span></span>'
    title = escape(t("{name}: {words}", name=name, words=words))
    return (
        f'<div class="cell {kind}" title="{title}"><span class="dot"></span>'
        f'<span class="name">{escape(name)}</span><span class="words">{escape(words)}</span>{bar}</div>'
    )


def _share(part: PartStatus) -> str:
    shows_share = part.progress is not None and part.state not in {"ready", "failed"}
    return f" ({part.progress:.0%})" if shows_share else ""


def _seconds(value: float) -> str:
    return seconds(value, 2 if 0 < value < 1 else 1)
