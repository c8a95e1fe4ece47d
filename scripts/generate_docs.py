"""Writes docs/settings.md, docs/cli.md and graft.example.yaml from the code; `--check` only compares."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import typer
import yaml
from pydantic.fields import FieldInfo

from core.settings import Section, Settings
from graft.cli import app

ROOT = Path(__file__).resolve().parent.parent
SETTINGS_HEAD = """\
# Settings

Written by `make docs` from `core/settings.py`. Every setting can come from a flag (where a command has one), from an
environment variable, from a YAML file (`--config FILE` or `GRAFT_CONFIG`; `graft.example.yaml` shows all keys), or from
its default, in this order. A name that is not here is an error that says so. Environment values are read as YAML.
"""
CLI_HEAD = """\
# Command line

Written by `make docs` from the commands themselves. `D` of `--domain` is a shipped pack's name or the path of any pack
folder. `--json` prints one JSON document on stdout and nothing else there; progress and logs go to stderr. Exit code 0
is good, 1 an error (one line: what is wrong, what to do), 2 wrong usage.
"""
EXAMPLE_HEAD = """\
# Every setting with its default. Copy what you change into a file of your own: graft --config FILE ...
"""


def main() -> int:
    """Write the files, or with --check only compare. Exit 1 when one differs."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path, content in generated().items():
        if path.is_file() and path.read_text(encoding="utf-8") == content:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            path.write_text(content, encoding="utf-8")
    for name in stale:
        print(f"{'out of date, run make docs' if check else 'written'}: {name}")
    return 1 if check and stale else 0


def generated() -> dict[Path, str]:
    """Every generated file and what it has to hold."""
    return {
        ROOT / "docs" / "settings.md": settings_page(),
        ROOT / "docs" / "cli.md": cli_page(),
        ROOT / "graft.example.yaml": example_file(),
    }


def settings_page() -> str:
    """The settings reference."""
    parts = [SETTINGS_HEAD, _table(plain_fields(), "")]
    for name, section in sections():
        parts += [f"## {name}\n\n{inspect.getdoc(section)}\n", _table(section.model_fields.items(), name)]
    return "\n".join(parts)


def example_file() -> str:
    """All settings as YAML, with their descriptions as comments."""
    lines = [EXAMPLE_HEAD]
    for key, field in plain_fields():
        lines += _yaml_lines(key, field, "")
    for name, section in sections():
        lines += ["", f"{name}:"]
        for key, field in section.model_fields.items():
            lines += _yaml_lines(key, field, "  ")
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """The command reference."""
    root = typer.main.get_command(app)
    parts = [CLI_HEAD, "## graft\n", _command_body(root)]
    for name, command in _walk(root, "graft"):
        parts += [f"## {name}\n", _command_body(command)]
    return "\n".join(parts)


def sections() -> Iterator[tuple[str, type[Section]]]:
    """Name and class of each section, in order."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield name, field.annotation


def plain_fields() -> list[tuple[str, FieldInfo]]:
    """Settings that belong to no section."""
    names = {name for name, _ in sections()}
    return [(name, field) for name, field in Settings.model_fields.items() if name not in names]


def _table(fields: Any, section: str) -> str:
    rows = ["| key | environment | default | meaning |", "|---|---|---|---|"]
    for key, field in fields:
        variable = "GRAFT_" + (f"{section}__{key}" if section else key).upper()
        meaning = f"{field.description} {_bounds(field)}".strip().replace("|", "\\|")
        rows.append(f"| `{key}` | `{variable}` | `{_default(field)}` | {meaning} |")
    return "\n".join(rows) + "\n"


def _bounds(field: FieldInfo) -> str:
    limits = []
    for item in field.metadata:
        for attribute, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if hasattr(item, attribute):
                limits.append(f"{sign} {getattr(item, attribute):g}")
    choices = [str(value) for value in get_args(field.annotation) if isinstance(value, str)]
    notes = ([f"one of {', '.join(choices)}"] if choices else []) + limits
    return f"({', '.join(notes)})" if notes else ""


def _default(field: FieldInfo) -> str:
    value = field.default
    plain = str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(plain, default_flow_style=True).removesuffix("\n").removesuffix("\n...").strip()


def _yaml_lines(key: str, field: FieldInfo, indent: str) -> list[str]:
    return [f"{indent}# {field.description} {_bounds(field)}".rstrip(), f"{indent}{key}: {_default(field)}"]


def _walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    for key, child in getattr(command, "commands", {}).items():
        yield f"{name} {key}", child
        yield from _walk(child, f"{name} {key}")


def _command_body(command: Any) -> str:
    context = click.Context(command, info_name="graft")
    lines = [f"{inspect.cleandoc(command.help or '')}\n"]
    rows = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is None:
            rows.append((parameter.human_readable_name.upper(), getattr(parameter, "help", None) or ""))
        elif "--help" not in record[0]:
            rows.append(record)
    if rows:
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| `{name}` | {' '.join(text.split())} |".replace("|--", "\\|--") for name, text in rows]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
