"""The house layout of answers: an object for json and yaml, a small fixed page for markdown, a terse sentence for text.

Answers hold no citation marks; training and serving add them.
"""

from typing import Any

from .records import Record


def answer(record: Record, format: str) -> str | dict[str, Any]:
    """The right answer about `record` in `format`."""
    if format in ("json", "yaml"):
        return dict(record.fields)
    return _markdown(record) if format == "markdown" else _text(record)


def _markdown(record: Record) -> str:
    fields = record.fields
    match record.kind:
        case "check":
            title, shown = fields["id"], ("level", "message")
        case "command_option":
            title, shown = f"{fields['command']} {fields['option'].split()[0].rstrip(',')}", ("option", "summary")
        case "builtin":
            title, shown = fields["name"], ("kind", "summary")
        case _:
            title, shown = fields["name"], ("default", "summary")
    lines = [f"- **{name.capitalize()}:** {fields[name]}" for name in shown]
    return "\n".join([f"### {title}", *lines])


def _text(record: Record) -> str:
    fields = record.fields
    match record.kind:
        case "check":
            article = "an" if fields["level"][0] in "EI" else "a"
            return f"{fields['id']} is {article} {fields['level']}: {fields['message']}"
        case "command_option":
            return f"{fields['command']} takes {fields['option']}: {fields['summary']}"
        case "builtin":
            return f"{fields['name']} is a template {fields['kind']}: {fields['summary']}"
        case _:
            return f"{fields['name']} (default: {fields['default'].rstrip('.')}): {fields['summary']}"
