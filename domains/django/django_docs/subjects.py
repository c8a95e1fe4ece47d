"""What can be asked about: records, and invented things, with the words that question templates need for them.

Joins records.py, describe.py and invented.py; knows no templates and no formats.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.errors import PackError

from . import invented
from .describe import unambiguous_forms, words_of
from .grammar import gerund
from .records import Record


@dataclass(frozen=True)
class Subject:
    """One thing to ask about, with the slots of its templates. `record` is None when it does not exist."""

    id: str
    kind: str
    record: Record | None
    named: Mapping[str, str]
    described: Mapping[str, str]


def real_subjects(records: list[Record]) -> list[Subject]:
    """All records as subjects; descriptions that fit a second record are left out."""
    forms = unambiguous_forms(records)
    names = Counter((record.kind, record.display) for record in records)
    subjects = []
    for record in records:
        slots = _slots(record.kind, record.display, record.fields)
        if names[record.kind, record.display] > 1:
            del slots["x"]  # `localize` is a tag and a filter: ask by usage
        made = forms[record.id]
        described = {**slots, **made} if made else {}
        subjects.append(Subject(record.id, record.kind, record, slots, described))
    return subjects


def _slots(kind: str, display: str, fields: Mapping[str, str]) -> dict[str, str]:
    match kind:
        case "builtin":
            usage = f"|{display}" if fields["kind"] == "filter" else f"{{% {display} %}}"
            return {"x": display, "kind": fields["kind"], "usage": usage}
        case "command_option":
            command, _, flag = display.partition(" ")
            return {"command": command, "flag": flag}
        case "setting":
            _, nested, place = display.partition(" ")
            place = re.sub(r"^in", "of", f"{place}")
            return {"x": display, "thing": f"key {place}" if nested else "setting"}
        case _:
            return {"x": display}


def invented_subjects() -> list[Subject]:
    """Everything in invented.py as subjects without a record."""
    things = [
        *(("check", name, {}) for name in invented.CHECKS),
        *(("setting", name, {}) for name in invented.SETTINGS),
        *(("builtin", name, {"kind": "filter"}) for name in invented.FILTERS),
        *(("builtin", name, {"kind": "tag"}) for name in invented.TAGS),
        *(("command_option", " ".join(pair), {}) for pair in invented.options()),
    ]
    named = [
        Subject(f"invented:{kind}:{name.replace(' ', ':')}", kind, None, _slots(kind, name, fields), {})
        for kind, name, fields in things
    ]
    return [*named, *_invented_descriptions()]


def _invented_descriptions() -> list[Subject]:
    found = [("check", {"that": text}) for text in invented.CHECKS_DESCRIBED]
    found += [
        ("setting", {"thing": "setting", "np": text, "finite": f"holds the {text}"})
        for text in invented.SETTINGS_DESCRIBED
    ]
    found += [("builtin", _verb(verb, rest)) for verb, rest in invented.BUILTINS_DESCRIBED]
    found += [
        ("command_option", {"command": command, **_verb(verb, rest)})
        for command, verb, rest in invented.OPTIONS_DESCRIBED
    ]
    return [
        Subject(f"invented:{kind}:described-{number}", kind, None, {}, slots)
        for number, (kind, slots) in enumerate(found, start=1)
    ]


def _verb(verb: str, rest: str) -> dict[str, str]:
    third = f"{verb}es" if verb.endswith(("sh", "ss")) else f"{verb}s"
    base = f"{verb} {rest}"
    return {"base": base, "act": base, "ing": f"{gerund(verb)} {rest}", "finite": f"{third} {rest}"}


def check_invented(subjects: Iterable[Subject], records: list[Record], corpus: str) -> None:
    """Raise PackError when something invented stands in the corpus after all, or fits a real record."""
    held = [(record, words_of(f"{record.gist} {record.id}")) for record in records]
    for subject in subjects:
        slots = subject.named
        name = slots.get("flag") or slots.get("x")
        if name and name in corpus and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", corpus):
            raise PackError(f"invented '{name}' occurs in the corpus: choose another in invented.py")
        for form in ("that", "finite", "base"):
            words = words_of(subject.described.get(form, ""))
            for record, words_there in held:
                if words and record.kind == subject.kind and len(words & words_there) > 0.6 * len(words):
                    raise PackError(f"invented '{subject.described[form]}' resembles {record.id}: reword it")
