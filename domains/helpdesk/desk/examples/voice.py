"""The house style of answers: friendly, in short sentences, the facts word for word, and no promise.

Answers hold no citation marks; training and serving add them.
"""

from collections.abc import Iterable
from typing import Any

from ..directives import days
from ..facts import Fault, Part, Procedure, Profile, Setting

_HELP, _SORRY, _SAFE = "Happy to help.", "Sorry about the trouble.", "Safety first."


def friendly(*sentences: str) -> str:
    """A plain answer."""
    return " ".join((_HELP, *sentences))


def sorry(*sentences: str) -> str:
    """An answer to somebody whose system has a fault."""
    return " ".join((_SORRY, *sentences))


def careful(*sentences: str) -> str:
    """An answer from the safety sheet."""
    return " ".join((_SAFE, *sentences))


def ticket(fault: Fault) -> dict[str, Any]:
    """The JSON ticket of a code."""
    return {
        "code": fault.code,
        "message": fault.message,
        "severity": fault.severity,
        "handled_by": fault.handled_by,
        "first_step": fault.steps[0],
    }


def runbook(title: str, steps: Iterable[str], handled_by: str = "") -> str:
    """The Markdown runbook: a heading, numbered steps, and who does it."""
    lines = [f"## {title}", *(f"{number}. {step}" for number, step in enumerate(steps, start=1))]
    return "\n".join([*lines, *(["", f"**Handled by:** {handled_by}"] if handled_by else [])])


def fault_runbook(fault: Fault) -> str:
    """The runbook of a code."""
    return runbook(f"{fault.code}: {fault.message}", fault.steps, fault.handled_by)


def procedure_runbook(procedure: Procedure) -> str:
    """The runbook of a procedure."""
    return runbook(procedure.title, procedure.steps)


def meaning(fault: Fault) -> str:
    """What a code means."""
    return f"{fault.code} means: {fault.message}. {fault.cause}."


def order(part: Part) -> dict[str, Any]:
    """The JSON order line of a part, at the newest price."""
    return {"sku": part.sku, "part": part.name, "price_eur": part.price[2026]}


def price(part: Part) -> str:
    """What a part costs."""
    return f"The {in_sentence(part.name)} costs {part.price[2026]} euros."


def lead_time(part: Part) -> str:
    """How long a part takes."""
    return f"The lead time of the {in_sentence(part.name)} is {days(part.lead_days)}."


def fit(part: Part) -> str:
    """Which devices a part fits."""
    return f"The {in_sentence(part.name)} fits {part.fits}."


def setting(setting: Setting) -> dict[str, Any]:
    """The YAML entry of a setting."""
    return {
        "setting": setting.key,
        "default": setting.default,
        "range": setting.range,
        "changed_by": setting.access,
    }


def default(setting: Setting) -> str:
    """The factory value of a setting."""
    return f"The default of {setting.key} is {setting.default}."


def profile(title: str, profile: Profile) -> dict[str, Any]:
    """The YAML configuration of a profile."""
    return {"profile": title, **profile.values}


def in_sentence(name: str) -> str:
    """A name of a thing inside a sentence: lower case, but for abbreviations such as DC."""
    return name if name[:2].isupper() else name[0].lower() + name[1:]


def sentence(text: str) -> str:
    """`text` at the start of a sentence."""
    return text[0].upper() + text[1:]
