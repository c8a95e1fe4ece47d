"""The advise command: which of ICL, RAG and fine-tuning a domain needs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graft.cli_serve import AsJson, Domain
from graft.console import Console

if TYPE_CHECKING:
    from graft.advise import Found

LabFile = Annotated[Path | None, typer.Option("--lab", help="A lab.json (default: the newest of the workspace).")]
Answers = Annotated[
    list[str] | None,
    typer.Option(
        "--answer",
        help="KEY=yes or KEY=no for a question that nothing measured answers, KEY=open to forget; kept; repeatable.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(advise)


def advise(
    context: typer.Context,
    domain: Domain = "django",
    lab: LabFile = None,
    out: Annotated[Path | None, typer.Option(help="Folder for advice.md, .html and .json.")] = None,
    answer: Answers = None,
    as_json: AsJson = False,
) -> None:
    """Say which of ICL, RAG and fine-tuning the domain needs: measured where a lab was run, else asked."""
    from advisor.markdown import to_markdown
    from advisor.page import to_html
    from core.files import write_atomically, write_json
    from graft.advise import find, parse_answers
    from graft.advise_answers import keep_answer, kept_answers

    console: Console = context.obj
    given = parse_answers(answer or [])
    settings, workspace, pack = console.open(domain)
    for key, yes in given.items():
        keep_answer(workspace.lab(pack.name), key, yes)
    said = kept_answers(workspace.lab(pack.name))
    found = find(settings, workspace, pack, console.say, lab, domain)
    console.say(f"lab: {found.lab_file}" if found.lab_file else f"no lab yet: graft lab --domain {domain}")
    if not as_json and sys.stdin.isatty():
        for key, yes in _ask(found, said).items():
            keep_answer(workspace.lab(pack.name), key, yes)
            said[key] = yes
    advice = found.advise(said)
    folder = out or workspace.lab(pack.name) / "advice"
    text = to_markdown(advice, pack.title)
    write_json(folder / "advice.json", advice.model_dump(mode="json"))
    write_atomically(folder / "advice.md", text)
    write_atomically(folder / "advice.html", to_html(advice, pack.title))
    if as_json:
        console.emit(advice.model_dump(mode="json"))
        return
    print(text)
    console.say(f"page: {folder / 'advice.html'}")


def _ask(found: "Found", said: dict[str, bool]) -> dict[str, bool]:
    """Put the open questions to the person at the terminal; an empty answer leaves one open."""
    answers = {}
    for question in found.open_questions(said):
        print(f"\n{question.question}\n  yes: {question.yes}\n  no: {question.no}", file=sys.stderr)
        word = typer.prompt("  yes, no, or nothing", default="", show_default=False, err=True).strip().casefold()
        if word[:1] in ("y", "n"):
            answers[question.key] = word[:1] == "y"
    return answers
