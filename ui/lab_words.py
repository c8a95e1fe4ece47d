"""What the lab's arms, figures and classes of misses are called on the page. Knows no Gradio and no lab."""

from core.arms import ARMS, SCHEMA_SUFFIX
from core.lab_desk import LabArm
from ui.choices import arm_hint, arm_label
from ui.language import marked, spoken, t

_MEASURES = {
    "right": marked("Right answers"),
    "field_em": marked("Right fields"),
    "prose_f1": marked("Words in common"),
    "validity": marked("Valid format"),
    "refusal_f1": marked("Refusals"),
    "citation_correct": marked("Right citations"),
    "evidence_recall": marked("Right passages found"),
}
_CLASSES = {
    "not_in_corpus": marked("Not in the documents"),
    "not_retrieved": marked("Not found"),
    "below_budget": marked("Found, but too far down"),
    "ignored": marked("Found, but not used"),
    "wrong_field": marked("Wrong place in the passage"),
    "unsupported": marked("Not backed by any passage"),
    "wrong_format": marked("Wrong format"),
    "wrong_style": marked("Wrong style"),
    "wrong_refusal": marked("Refused without need"),
}
_METHODS = {
    "qlora": marked("Trained style (4-bit training)"),
    "dora": marked("Trained style (DoRA)"),
    "full": marked("Model trained as a whole"),
    "distilled": marked("Style learnt from a teacher"),
}


def measure_words(measure: str) -> str:
    """What a figure is called."""
    return t(_MEASURES[measure]) if measure in _MEASURES else measure.replace("_", " ")


def class_words(kind: str) -> str:
    """What a class of misses is called."""
    return t(_CLASSES[kind]) if kind in _CLASSES else kind.replace("_", " ")


def arm_words(name: str, created: str = "") -> str:
    """What a way of answering is called: `hybrid@3f9c2a1b+schema` too."""
    plain = name.removesuffix(SCHEMA_SUFFIX)
    kind, _, adapter = plain.partition("@")
    words = t(_METHODS[kind]) if kind in _METHODS else arm_label(kind)
    if adapter:
        words = t(
            "{words}, adapter {adapter}", words=words, adapter=f"{adapter} ({created[:10]})" if created else adapter
        )
    return t("{words}, held to the format", words=words) if plain != name else words


def arm_choice(arm: LabArm) -> tuple[str, str]:
    """A way of answering as a choice; what it lacks, if anything, is said beside it."""
    words = arm_words(arm.name, arm.created)
    missing = spoken(arm.missing) if arm.missing else ""
    return (t("{words} ({missing})", words=words, missing=missing) if missing else words), arm.name


def arm_help(name: str) -> str:
    """What a way of answering does."""
    plain = name.removesuffix(SCHEMA_SUFFIX).partition("@")[0]
    return arm_hint(plain) if plain in ARMS else ""


def percent(share: float | None) -> str:
    """A share as a percentage."""
    return "–" if share is None else f"{100 * share:.0f}%"


def points(value: float) -> str:
    """A difference in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")
