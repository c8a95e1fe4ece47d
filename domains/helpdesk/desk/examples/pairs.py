"""Questions that take two documents: their records stay in one file, and both quotes are evidence."""

import re
from collections.abc import Iterator, Sequence

from .. import directives as documents_say
from ..blocks import Document
from ..facts import Facts, Fault
from ..quotes import row_quote, source_of
from . import voice
from .asks import PARTS_FOR_CODES, Ask, catalogue_evidence, fault_evidence, price_evidence, setting_evidence

# Setting, and the profiles that are compared with its factory value.
_COMPARED = {
    "backup_reserve": ("Storm watch", "Holiday home"),
    "export_limit": ("Workshop", "Solar sharing"),
    "charge_window": ("Heat pump winter", "Guest house"),
}
_WARRANTIES = {
    "Roost": "warranty-roost",
    "Tern": "warranty-tern",
    "Perch": "warranty-perch",
    "Hollow": "warranty-hollow",
}
_CODE = re.compile(r"\b[BTPH]\d{3}\b")


def all_pairs(facts: Facts, documents: Sequence[Document]) -> Iterator[Ask]:
    """Everything that is asked about two records at once."""
    yield from _faults_and_parts(facts)
    yield from _prices_and_lead_times(facts)
    yield from _settings_and_profiles(facts, documents)
    yield from _fixes_and_steps(facts, documents)
    yield from _weights_and_warranties(facts, documents)
    for pair in facts.pairs:
        statements = [facts.statement(id) for id in pair.ids]
        yield Ask(
            kind="two statements",
            record=f"statement:{pair.ids[0]}",
            with_records=(f"statement:{pair.ids[1]}",),
            format="text",
            answer=voice.friendly(*(statement.says for statement in statements)),
            evidence=tuple((source_of(s.says, documents), s.says) for s in statements),
            questions=(pair.question,),
        )


def _faults(facts: Facts) -> Iterator[tuple[str, Fault]]:
    for group, faults in facts.faults.items():
        yield from ((group, fault) for fault in faults)


def _faults_and_parts(facts: Facts) -> Iterator[Ask]:
    parts = facts.all_parts()
    with_part = [(group, fault) for group, fault in _faults(facts) if fault.part]
    for number, (group, fault) in enumerate(with_part):
        part = parts[fault.part or ""]
        code = fault_evidence(group, fault)
        row = row_quote(PARTS_FOR_CODES, documents_say.fault_part_row(fault, facts))
        named = {"code": fault.code, "part": voice.in_sentence(part.name)}
        shared = {"record": f"code:{fault.code}", "with_records": (f"part:{part.sku}",), "format": "text"}
        if number % 2:
            yield Ask(
                kind="part for code",
                answer=voice.sorry(f"The part is {part.name}, {part.sku}.", f"Handled by: {fault.handled_by}."),
                evidence=((PARTS_FOR_CODES, row), code),
                named=named,
                **shared,
            )
        else:
            yield Ask(
                kind="step and price",
                answer=voice.sorry(f"First step: {fault.steps[0]}.", voice.price(part)),
                evidence=(code, price_evidence(part)),
                named=named,
                **shared,
            )


def _prices_and_lead_times(facts: Facts) -> Iterator[Ask]:
    for number, part in enumerate(facts.all_parts().values()):
        if number % 4 == 0:
            yield Ask(
                kind="price and lead time",
                record=f"part:{part.sku}",
                format="text",
                answer=voice.friendly(voice.price(part), voice.lead_time(part)),
                evidence=(price_evidence(part), catalogue_evidence(part)),
                named={"sku": part.sku, "part": voice.in_sentence(part.name)},
            )


def _settings_and_profiles(facts: Facts, documents: Sequence[Document]) -> Iterator[Ask]:
    settings = {setting.key: setting for setting in facts.settings["Perch"]}
    for key, titles in _COMPARED.items():
        for title in titles:
            block = " ".join(documents_say.profile_block(title, facts).split())
            value = facts.profiles[title].values[key]
            yield Ask(
                kind="default and profile",
                record=f"profile:{title}",
                with_records=(f"setting:{key}",),
                format="text",
                answer=voice.friendly(voice.default(settings[key]), f"{title} sets {value}."),
                evidence=(setting_evidence("Perch", settings[key]), (source_of(block, documents), block)),
                named={"key": key, "profile": title},
            )


def _fixes_and_steps(facts: Facts, documents: Sequence[Document]) -> Iterator[Ask]:
    faults = {fault.code: (group, fault) for group, fault in _faults(facts)}
    for device, releases in facts.releases.items():
        for release in releases:
            if not (found := _CODE.search(release.fix)):
                continue
            group, fault = faults[found[0]]
            yield Ask(
                kind="fix and step",
                record=f"code:{fault.code}",
                with_records=(f"release:{device} {release.version}",),
                format="text",
                answer=voice.sorry(release.fixes, f"First step: {fault.steps[0]}."),
                evidence=((source_of(release.fixes, documents), release.fixes), fault_evidence(group, fault)),
                named={"series": documents_say.device_name(device), "fix": release.fix, "code": fault.code},
            )


def _weights_and_warranties(facts: Facts, documents: Sequence[Document]) -> Iterator[Ask]:
    for family in facts.products.values():
        for name, product in family.products.items():
            id = _WARRANTIES[name.split()[0]]
            says = facts.statement(id).says
            weight = product.values["Weight"]
            yield Ask(
                kind="weight and warranty",
                record=f"spec:{name}:Weight",
                with_records=(f"statement:{id}",),
                format="text",
                answer=voice.friendly(family.asked["Weight"].says.format(x=name, v=weight), says),
                evidence=(
                    (family.sheet, row_quote(family.sheet, ("Weight", weight))),
                    (source_of(says, documents), says),
                ),
                named={"product": name},
            )
