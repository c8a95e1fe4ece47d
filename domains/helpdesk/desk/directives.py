"""Blocks that are made from facts: tables of codes and prices, data sheets, procedures, release notes, the glossary."""

from collections.abc import Iterator, Sequence

from .blocks import Block, Code, Heading, PageBreak, Steps, Table, Text
from .facts import Facts, Fault, Part, Release, Setting, Year

FAULT_HEAD = ("code", "message", "severity", "cause", "step 1", "step 2", "step 3", "handled by")
CATALOGUE_HEAD = ("sku", "part", "fits", "lead_time")
SETTING_HEAD = ("setting", "what it does", "default", "range", "changed by")


def expand(name: str, argument: str, facts: Facts) -> list[Block]:
    """The blocks of a directive. Raises KeyError for an unknown name or argument."""
    match name:
        case "faults":
            return [Table(FAULT_HEAD, tuple(fault_row(fault) for fault in facts.faults[argument]))]
        case "fault-parts":
            rows = (fault_part_row(f, facts) for f in facts.faults[argument] if f.part)
            return [Table(("Code", "Message", "Part", "SKU"), tuple(rows))]
        case "settings":
            return [block for setting in facts.settings[argument] for block in _setting(setting)]
        case "settings-table":
            return [Table(SETTING_HEAD, tuple(setting_row(setting) for setting in facts.settings[argument]))]
        case "prices":
            return list(_prices(facts, 2025 if argument == "2025" else 2026))
        case "catalogue":
            return list(_catalogue(facts))
        case "sheet":
            return list(_sheet(facts, argument))
        case "steps":
            procedure = facts.procedures[argument]
            return [Heading(procedure.title), Steps(procedure.steps)]
        case "profiles":
            return [block for title in facts.profiles for block in _profile(title, facts)]
        case "releases":
            return list(_releases(argument, facts.releases[argument]))
        case "terms":
            return [block for term in facts.terms for block in (Heading(term), Text(term_sentence(term, facts)))]
        case _:
            raise KeyError(name)


def fault_row(fault: Fault) -> tuple[str, ...]:
    """A code as it stands in the code lists."""
    return (fault.code, fault.message, fault.severity, fault.cause, *fault.steps, fault.handled_by)


def fault_part_row(fault: Fault, facts: Facts) -> tuple[str, ...]:
    """A code with the part that usually cures it."""
    part = facts.all_parts()[fault.part or ""]
    return (fault.code, fault.message, part.name, part.sku)


def setting_row(setting: Setting) -> tuple[str, ...]:
    """A setting as it stands in tables."""
    return (setting.key, setting.purpose, setting.default, setting.range, setting.access)


def setting_sentence(setting: Setting) -> str:
    """A setting as it stands in prose."""
    return f"{setting.purpose}. Default: {setting.default}. Range: {setting.range}. Changed by: {setting.access}."


def price_row(part: Part, year: Year) -> tuple[str | int, ...]:
    """A part as it stands in a price list."""
    return (part.sku, part.name, part.purpose, part.price[year])


def catalogue_row(part: Part) -> tuple[str, ...]:
    """A part as it stands in the catalogue."""
    return (part.sku, part.name, part.fits, days(part.lead_days))


def days(number: int) -> str:
    """A number of days, as the catalogue writes it."""
    return "1 day" if number == 1 else f"{number} days"


def term_sentence(term: str, facts: Facts) -> str:
    """A term of the glossary, explained."""
    return f'"{term}" means {facts.terms[term].means}.'


def profile_block(title: str, facts: Facts) -> str:
    """The four values of a profile, as YAML."""
    return "\n".join(f"{key}: {value}" for key, value in facts.profiles[title].values.items())


def _setting(setting: Setting) -> Iterator[Block]:
    yield Heading(setting.key)
    yield Text(setting_sentence(setting))


def _prices(facts: Facts, year: Year) -> Iterator[Block]:
    head = ("SKU", "Part", "What it is for", f"Price {year} in EUR")
    for sheet, sections in facts.parts.items():
        yield Heading(sheet)
        for section, parts in sections.items():
            if rows := tuple(price_row(part, year) for part in parts if year in part.price):
                yield Text(f"{section}, price list {year}")
                yield Table(head, rows)


def _catalogue(facts: Facts) -> Iterator[Block]:
    for sections in facts.parts.values():
        for section, parts in sections.items():
            yield Heading(section)
            yield Table(CATALOGUE_HEAD, tuple(catalogue_row(part) for part in parts))


def _sheet(facts: Facts, family: str) -> Iterator[Block]:
    for name, product in facts.products[family].products.items():
        yield PageBreak()
        yield Heading(f"{name} for {product.suits}")
        yield Text(product.about)
        yield Table(("Property", "Value"), tuple(product.values.items()))
        yield Text(product.box)


def _profile(title: str, facts: Facts) -> Iterator[Block]:
    yield Heading(title)
    yield Text(facts.profiles[title].story)
    yield Code(profile_block(title, facts), "yaml")


def newest_sentence(device: str, releases: Sequence[Release]) -> str:
    """Which version is the newest one."""
    return f"The newest version of the {device_name(device)} is {releases[0].version}."


def device_name(device: str) -> str:
    """What a series of releases is called: "Tern firmware", but "Hestrel Home app"."""
    return device if device.endswith("app") else f"{device} firmware"


def _releases(device: str, releases: Sequence[Release]) -> Iterator[Block]:
    yield Text(newest_sentence(device, releases))
    for release in releases:
        yield Heading(f"{device_name(device)} {release.version}")
        yield Text(release.adds)
        yield Text(release.fixes)
