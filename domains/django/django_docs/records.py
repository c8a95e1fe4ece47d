"""Records: one thing that Django defines, its fields word for word, and the span of the corpus that proves them.

Reads the structure of the converted pages. Knows nothing of questions, formats or the split.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .markdown import Section, first_sentence, fold, is_paragraph, sections

MAX_WORDS = 45  # longer values cannot be copied reliably by a small model
MAX_QUOTE_WORDS = 90
LEVELS = {"E": "Error", "W": "Warning", "I": "Info", "C": "Critical", "D": "Debug"}

_CHECK = re.compile(r"^- \*\*(\w+\.([CEWID])\d+)\*\*: ?(.+)$")
_SETTING = re.compile(r"^`([A-Z][A-Z0-9_]+)`$")
_DEFAULT = re.compile(r"^Default: (.+)$")
_NAME = re.compile(r"^`([a-z_0-9]+)`$")
_OPTION = re.compile(r"^`(--?\w[^`]*)`$")
# Paragraphs that say where a thing applies, not what it does.
_ASIDE = re.compile(r"^(?:This is an? [\w-]+-specific setting|See |(?:Setting|Command|Environment variable): `)")
# A sentence that only introduces what stands below it.
_UNFINISHED = re.compile(
    r"(?:\blike so|\bfollowing|\bfollows|\bare|\bthat|\be\.g\.|[:,])$|^(?:For example|Example|You can also)"
)


@dataclass(frozen=True)
class Record:
    """`fields` are the schema's properties in order; `quote` is unique in `source`, white space folded.

    `display` is how a question names the thing; `gist` is the field that says what it does.
    """

    id: str
    kind: str
    fields: dict[str, str]
    source: str
    quote: str
    display: str

    @property
    def gist(self) -> str:
        """The last field: a check's message, a summary otherwise."""
        return list(self.fields.values())[-1]


def derive(pages: Mapping[str, str], names: Mapping[str, set[tuple[str, str]]]) -> list[Record]:
    """All clean records of the converted `pages` (path -> Markdown), sorted by id.

    `names` maps a path to the (directive, name) pairs that its source defines; it tells a template filter's
    heading from any other heading in code.
    """
    found: list[Record] = []
    for source, text in pages.items():
        defined = names.get(source, set())
        folded = fold(text)
        candidates = [*_checks(source, text)] if source == "ref/checks.md" else []
        for section in sections(text):
            candidates += _from_section(source, section, defined, folded)
        found += [record for record in candidates if _is_clean(record, folded)]
    twice = Counter(record.id for record in found)
    return sorted((r for r in found if twice[r.id] == 1), key=lambda r: r.id)


def _is_clean(record: Record, folded: str) -> bool:
    values = record.fields.values()
    return (
        all(value and len(value.split()) <= MAX_WORDS for value in values)
        and not record.fields.get("default", "").lower().startswith("see ")
        and not any("](" in value or "```" in value for value in values)
        and len(record.quote.split()) <= MAX_QUOTE_WORDS
        and folded.count(record.quote) == 1
    )


def _checks(source: str, text: str) -> Iterator[Record]:
    for line in text.splitlines():
        if match := _CHECK.match(line):
            fields = {"id": match[1], "level": LEVELS[match[2]], "message": match[3].strip()}
            quote = fold(line.removeprefix("- "))
            yield Record(f"check:{match[1]}", "check", fields, source, quote, match[1])


def _from_section(source: str, section: Section, defined: set[tuple[str, str]], folded: str) -> Iterable[Record]:
    if (match := _SETTING.match(section.heading)) and _defines(defined, "setting", match[1]):
        return _setting(source, section, match[1], folded)
    if match := _OPTION.match(section.heading):
        return _option(source, section, match[1], folded)
    if (match := _NAME.match(section.heading)) and (kind := _builtin_kind(section, match[1], defined)):
        return _builtin(source, section, match[1], kind, folded)
    return []


def _defines(defined: set[tuple[str, str]], directive: str, name: str) -> bool:
    # A nested setting is defined under its parent's name: CACHES-BACKEND, TEST_CHARSET, DATABASE-TEST.
    return any(d == directive and re.search(rf"(?:^|[-_]){name}$", n) for d, n in defined)


def _gist(section: Section, start: int = 0) -> tuple[str, int] | None:
    """The first sentence that says something, and its block's index; None when the text starts otherwise."""
    for index in range(start, len(section.blocks)):
        block = section.blocks[index]
        if re.match(r"^\*(?:New|Changed|Deprecated)", block) or _ASIDE.match(block):
            continue
        gist = first_sentence(block) if is_paragraph(block) else ""
        return None if not gist or _UNFINISHED.search(gist) else (gist, index)
    return None


def _quote(section: Section, start: int, end: int, gist: str, folded: str) -> str:
    """The shortest unique span: from block `start` to the sentence; then more text, then the heading too."""
    before = [fold(block) for block in section.blocks[start:end]]
    tail = fold(section.blocks[end])
    short = " ".join([*before, gist])
    whole = " ".join([*before, tail])
    headed = " ".join([section.heading, *map(fold, section.blocks[:end]), gist])
    options = (short, whole, headed, " ".join([headed.removesuffix(gist).rstrip(), tail]))
    return next((quote for quote in options if folded.count(quote) == 1), "")


def _setting(source: str, section: Section, name: str, folded: str) -> Iterator[Record]:
    index = next((i for i, block in enumerate(section.blocks) if _DEFAULT.match(block)), None)
    if index is None or (found := _gist(section, index + 1)) is None:
        return
    default = _DEFAULT.sub(r"\1", section.blocks[index])
    fields = {"name": name, "default": first_sentence(default), "summary": found[0]}
    parents = [m[1] for heading in section.path if (m := _SETTING.match(heading))]
    place = " under ".join([name, *parents[:0:-1]]) + (f" in {parents[0]}" if parents else "")
    quote = _quote(section, index, found[1], found[0], folded)
    yield Record(":".join(["setting", *parents, name]), "setting", fields, source, quote, place)


def _builtin_kind(section: Section, name: str, defined: set[tuple[str, str]]) -> str | None:
    kinds = {d.removeprefix("template") for d, n in defined if n == name} & {"tag", "filter"}
    if len(kinds) == 2:  # `localize` is both: the heading above tells
        above = " ".join(section.path).lower()
        kinds = {kind for kind in kinds if kind in above.rsplit("template", 1)[-1]}
    return kinds.pop() if len(kinds) == 1 else None


def _builtin(source: str, section: Section, name: str, kind: str, folded: str) -> Iterator[Record]:
    if found := _gist(section):
        fields = {"name": name, "kind": kind, "summary": found[0]}
        quote = _quote(section, found[1], found[1], found[0], folded)
        yield Record(f"builtin:{kind}:{name}", "builtin", fields, source, quote, name)


def _option(source: str, section: Section, option: str, folded: str) -> Iterator[Record]:
    command = next((m[1] for h in reversed(section.path) if (m := _NAME.match(h))), None)
    if command and (found := _gist(section)):
        flag = option.split(",")[0].split()[0]
        fields = {"command": command, "option": option, "summary": found[0]}
        quote = _quote(section, found[1], found[1], found[0], folded)
        yield Record(f"option:{command}:{flag}", "command_option", fields, source, quote, f"{command} {flag}")
