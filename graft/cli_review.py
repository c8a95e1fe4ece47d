"""The command in which a person decides about candidates: dataset review."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import ExampleError
from graft.cli_serve import AsJson, Domain
from graft.console import Console

if TYPE_CHECKING:
    from core.pack import DomainPack
    from finetune.corpus_text import CorpusText
    from finetune.synthesis.candidate import Candidate


def register(dataset: typer.Typer) -> None:
    """Add the command to `graft dataset`."""
    dataset.command("review")(review)


def review(
    context: typer.Context,
    domain: Domain = "django",
    accept_all: Annotated[bool, typer.Option("--accept-all", help="Accept every sound candidate unseen.")] = False,
    as_json: AsJson = False,
) -> None:
    """Go through the candidates one by one: accept into train.jsonl, edit, reject, skip, quit."""
    from finetune.corpus_text import CorpusText
    from finetune.synthesis.accept import accept
    from finetune.synthesis.candidate import ReviewFile
    from graft.dataset import MADE_BY_PREPARE

    console: Console = context.obj
    _, workspace, pack = console.open(domain)
    file = ReviewFile(pack.data / "examples")
    corpus = CorpusText.open(workspace.corpus(pack.name))
    if pack.file.prepare:
        console.say(f"note: {pack.train_file} {MADE_BY_PREPARE}")
    pending = [candidate for candidate in file.read() if candidate.status == "pending"]
    for number, candidate in enumerate(pending, start=1):
        if accept_all:
            try:
                accept(pack, candidate, corpus)
            except ExampleError as error:
                console.say(f"left pending: {error}")
                continue
            file.settle(candidate.task, "accepted", candidate.example)
            continue
        print(f"\n--- {number} of {len(pending)}\n{_shown(candidate)}")
        decided = _decide(pack, candidate, corpus, console)
        if decided is None:
            break
        if decided.status != "pending":
            file.settle(candidate.task, decided.status, decided.example)
    counts = file.count()
    if as_json:
        console.emit(dict(counts))
    else:
        print(f"{counts['accepted']} accepted, {counts['rejected']} rejected, {counts['pending']} still to review")


def _decide(
    pack: "DomainPack", candidate: "Candidate", corpus: "CorpusText | None", console: Console
) -> "Candidate | None":
    """Ask until there is a decision; None to quit, a pending candidate to skip."""
    from finetune.synthesis.accept import accept, as_line, edited

    while True:
        key = typer.prompt("[a]ccept, [e]dit, [r]eject, [s]kip, [q]uit", default="s").strip().casefold()[:1]
        try:
            if key == "a":
                accept(pack, candidate, corpus)
                return candidate.model_copy(update={"status": "accepted"})
            if key == "e":
                import click

                text = click.edit(
                    json.dumps(as_line(candidate.example), indent=2, ensure_ascii=False), extension=".json"
                )
                if text is not None:
                    candidate = candidate.model_copy(update={"example": edited(text)})
                    print(_shown(candidate))
        except ExampleError as error:
            console.say(f"not accepted: {error}")
        if key == "r":
            return candidate.model_copy(update={"status": "rejected"})
        if key == "s":
            return candidate
        if key == "q":
            return None


def _shown(candidate: "Candidate") -> str:
    example = candidate.example
    answer = example.answer if isinstance(example.answer, str) else json.dumps(example.answer, ensure_ascii=False)
    lines = [f"question  {example.question}", f"format    {example.format} {example.schema_name or ''}".rstrip()]
    if candidate.replaces:
        lines += [f"replaces  {candidate.replaces}", f"before    {candidate.before}"]
    lines.append(f"answer    {answer}")
    lines += [f"quote     {evidence.quote}\nsource    {evidence.source}" for evidence in example.evidence]
    # Control characters from documents or models must not reach the terminal.
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in "\n".join(lines))
