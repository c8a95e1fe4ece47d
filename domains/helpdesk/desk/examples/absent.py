"""Questions that no document answers, in the same wordings and formats as the others."""

from collections.abc import Iterator, Mapping

from ..directives import device_name
from ..facts import Facts
from .asks import Ask
from .voice import in_sentence, sentence


def all_absent(facts: Facts) -> Iterator[Ask]:
    """Everything that is asked about things which do not exist, or which nobody wrote about."""
    names = facts.absent.names
    for number, code in enumerate(names.faults):
        yield _ask("ticket", code, "json", "ticket", {"code": code})
        kind, format = ("code", "text") if number % 2 else ("runbook", "markdown")
        yield _ask(kind, code, format, None, {"code": code})
    for device, key in names.settings:
        yield _ask("setting", key, "yaml", "setting", {"key": key, "device": device})
    for number, (sku, name) in enumerate(names.parts):
        kind, format, schema = ("price", "text", None) if number % 4 == 3 else ("order", "json", "order")
        yield _ask(kind, sku, format, schema, {"sku": sku, "part": in_sentence(name)})
    for name, question in names.products:
        yield Ask("spec", f"absent:{name}", "text", None, (), questions=(question.format(x=name),))
    for device, version in names.releases:
        release = f"{device_name(device)} {version}"
        yield _ask("release", release, "text", None, {"release": release})
    for number, (name, story) in enumerate(names.profiles):
        named = {"profile": name} if number % 2 else {}
        described = {} if number % 2 else {"described": story, "Described": sentence(story)}
        yield Ask("profile", f"absent:{name}", "yaml", None, (), "profile", named, described)
    for number, (title, question) in enumerate(facts.absent.asked.items()):
        yield Ask(
            "statement", f"absent:{title}", ("text", "text", "markdown")[number % 3], None, (), questions=(question,)
        )


def _ask(kind: str, name: str, format: str, schema: str | None, named: Mapping[str, str]) -> Ask:
    return Ask(kind, f"absent:{name}", format, None, (), schema, named)
