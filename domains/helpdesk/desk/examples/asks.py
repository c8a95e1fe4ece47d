"""What can be asked: one `Ask` per record and kind of question, with its answer and its evidence.

Knows facts and documents; which wording is used and which file a question goes to is decided elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import directives as documents_say
from ..blocks import Document
from ..facts import Facts, Fault, Part, Setting
from ..quotes import row_quote, source_of, steps_quote
from . import voice

FAULT_FILES = {
    "battery": "error-codes/battery-codes.csv",
    "inverter": "error-codes/inverter-codes.csv",
    "gateway": "error-codes/gateway-and-backup-codes.tsv",
}
SETTING_FILES = {
    "Perch": "configuration/perch-settings.rst",
    "Tern": "configuration/tern-settings.tsv",
    "Roost": "configuration/roost-and-hollow-settings.docx",
    "Hollow": "configuration/roost-and-hollow-settings.docx",
}
PRICES = "parts/price-list-2026.xlsx"
CATALOGUE = "parts/catalogue.json"
PARTS_FOR_CODES = "error-codes/parts-for-codes.html"

Evidence = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Ask:
    """A question about a record in one format.

    `named` and `described` fill the templates of `kind`; `questions` are hand-written ones instead, named first.
    `every`: asked of every n-th record only; `twice`: both named and described. `with_records` are the other
    records that its evidence is about; `superseded`: an older document says something else. Without evidence, no
    document holds the answer.
    """

    kind: str
    record: str
    format: str
    answer: str | dict[str, Any] | None
    evidence: Evidence
    schema: str | None = None
    named: Mapping[str, str] = field(default_factory=dict)
    described: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[str, ...] = ()
    every: int = 1
    twice: bool = False
    with_records: tuple[str, ...] = ()
    superseded: bool = False


def all_asks(facts: Facts, documents: Sequence[Document]) -> Iterator[Ask]:
    """Everything that is asked about a single record."""
    for group, faults in facts.faults.items():
        for fault in faults:
            yield from _fault(fault, fault_evidence(group, fault))
    for device, settings in facts.settings.items():
        for setting in settings:
            yield from _setting(device, setting)
    for part in facts.all_parts().values():
        yield from _part(part)
    yield from _specs(facts)
    for title, profile in facts.profiles.items():
        quote = " ".join(documents_say.profile_block(title, facts).split())
        yield Ask(
            kind="profile",
            record=f"profile:{title}",
            format="yaml",
            schema="profile",
            answer=voice.profile(title, profile),
            evidence=((source_of(quote, documents), quote),),
            named={"profile": title},
            described={"described": profile.described, "Described": voice.sentence(profile.described)},
            twice=True,
        )
    yield from _releases(facts, documents)
    for term, entry in facts.terms.items():
        says = documents_say.term_sentence(term, facts)
        name = voice.in_sentence(term)
        yield Ask(
            kind="term",
            record=f"term:{term}",
            format="text",
            answer=voice.friendly(says),
            evidence=((source_of(says, documents), says),),
            named={"term": name},
            described={"described": entry.described},
        )
    for id, procedure in facts.procedures.items():
        quote = steps_quote(procedure.steps)
        shared = {
            "record": f"procedure:{id}",
            "format": "markdown",
            "answer": voice.procedure_runbook(procedure),
            "evidence": ((source_of(quote, documents), quote),),
        }
        yield Ask(kind="procedure", named={"title": voice.in_sentence(procedure.title)}, **shared)
        yield Ask(kind="procedure", questions=procedure.ask, **shared)
    for topic, statements in facts.statements.items():
        for id, statement in statements.items():
            yield Ask(
                kind="statement",
                record=f"statement:{id}",
                format="text",
                answer=(voice.careful if topic == "safety" else voice.friendly)(statement.says),
                evidence=((source_of(statement.says, documents), statement.says),),
                questions=tuple(question for question in (statement.named, statement.described) if question),
                superseded=statement.before is not None,
            )


def fault_evidence(group: str, fault: Fault) -> tuple[str, str]:
    """Where a code stands."""
    path = FAULT_FILES[group]
    return path, row_quote(path, documents_say.fault_row(fault))


def setting_evidence(device: str, setting: Setting) -> tuple[str, str]:
    """Where a setting stands."""
    path = SETTING_FILES[device]
    if path.endswith(".rst"):
        return path, documents_say.setting_sentence(setting)
    return path, row_quote(path, documents_say.setting_row(setting))


def price_evidence(part: Part) -> tuple[str, str]:
    """Where the newest price of a part stands."""
    return PRICES, row_quote(PRICES, documents_say.price_row(part, 2026))


def catalogue_evidence(part: Part) -> tuple[str, str]:
    """Where the lead time of a part stands."""
    return CATALOGUE, row_quote(CATALOGUE, documents_say.catalogue_row(part), documents_say.CATALOGUE_HEAD)


def _fault(fault: Fault, evidence: tuple[str, str]) -> Iterator[Ask]:
    shared = {
        "record": f"code:{fault.code}",
        "evidence": (evidence,),
        "named": {"code": fault.code},
        "described": {"symptom": fault.symptom, "Symptom": voice.sentence(fault.symptom)},
    }
    yield Ask(kind="ticket", format="json", schema="ticket", answer=voice.ticket(fault), twice=True, **shared)
    yield Ask(kind="runbook", format="markdown", answer=voice.fault_runbook(fault), **shared)
    yield Ask(kind="code", format="text", answer=voice.sorry(voice.meaning(fault)), every=3, **shared)


def _setting(device: str, setting: Setting) -> Iterator[Ask]:
    shared = {
        "record": f"setting:{setting.key}",
        "evidence": (setting_evidence(device, setting),),
        "named": {"key": setting.key, "device": device},
    }
    described = {"wish": setting.wish, "device": device}
    answer = voice.setting(setting)
    yield Ask(kind="setting", format="yaml", schema="setting", answer=answer, described=described, twice=True, **shared)
    yield Ask(kind="default", format="text", answer=voice.friendly(voice.default(setting)), every=4, **shared)


def _part(part: Part) -> Iterator[Ask]:
    record = f"part:{part.sku}"
    named = {"sku": part.sku, "part": voice.in_sentence(part.name)}
    described = {"purpose": part.purpose}
    prices, catalogue = (price_evidence(part),), (catalogue_evidence(part),)
    yield Ask(
        kind="order", record=record, format="json", schema="order", answer=voice.order(part), evidence=prices,
        named=named, described=described, twice=True, superseded=True,
    )  # fmt: skip
    texts = (
        ("price", voice.price(part), prices, described),
        ("lead time", voice.lead_time(part), catalogue, {}),
        ("fit", voice.fit(part), catalogue, {}),
    )
    for number, (kind, says, evidence, slots) in enumerate(texts):
        if int(part.sku[-2:]) % 6 == number:
            yield Ask(
                kind=kind, record=record, format="text", answer=voice.friendly(says), evidence=evidence,
                named=named, described=slots, superseded=kind == "price",
            )  # fmt: skip


def _specs(facts: Facts) -> Iterator[Ask]:
    for family in facts.products.values():
        for name, product in family.products.items():
            for number, (property, asked) in enumerate(family.asked.items()):
                if property not in product.values:
                    continue
                value = product.values[property]
                template = asked.questions[(len(name) + number) % len(asked.questions)]
                described = asked.questions[0].format(x=product.described)
                yield Ask(
                    kind="spec",
                    record=f"spec:{name}:{property}",
                    format="text",
                    answer=voice.friendly(asked.says.format(x=name, v=value)),
                    evidence=((family.sheet, row_quote(family.sheet, (property, value))),),
                    questions=(template.format(x=name), described),
                )


def _releases(facts: Facts, documents: Sequence[Document]) -> Iterator[Ask]:
    for device, releases in facts.releases.items():
        series = documents_say.device_name(device)
        newest = documents_say.newest_sentence(device, releases)
        yield Ask(
            kind="newest", record=f"newest:{device}", format="text", answer=voice.friendly(newest),
            evidence=((source_of(newest, documents), newest),), named={"series": series},
        )  # fmt: skip
        for number, release in enumerate(releases):
            record, named = f"release:{device} {release.version}", {"release": f"{series} {release.version}"}
            path = source_of(release.adds, documents)
            yield Ask(
                kind="release", record=record, format="text", answer=voice.friendly(release.adds),
                evidence=((path, release.adds),), named=named,
                described={"series": series, "described": release.described},
            )  # fmt: skip
            if number % 2:
                yield Ask(
                    kind="bug", record=record, format="text", answer=voice.friendly(release.fixes),
                    evidence=((path, release.fixes),), named=named, described={"series": series, "fix": release.fix},
                )  # fmt: skip
