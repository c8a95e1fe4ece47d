"""Commands that let a teacher write examples: dataset synthesize|restyle."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import RequestError
from graft.cli_serve import AsJson, Domain, Trust
from graft.console import Console

if TYPE_CHECKING:
    from core.pack import DomainPack
    from core.settings import Settings
    from core.types import Format
    from core.workspace import Workspace
    from finetune.corpus_text import CorpusText
    from finetune.synthesis.candidate import ReviewFile
    from finetune.synthesis.run import RunReport
    from graft.teacher import Teacher

Count = Annotated[int, typer.Option(min=1, help="So many candidates shall wait for review in the end.")]
Tries = Annotated[
    int | None, typer.Option(min=1, help="Questions to the teacher, at most (default: 10 per candidate).")
]
Url = Annotated[str | None, typer.Option(help="OpenAI-compatible endpoint (https://host/v1); default: the base model.")]
Model = Annotated[str | None, typer.Option(help="The teacher's name at --teacher-url.")]
KeyEnv = Annotated[str | None, typer.Option(help="Environment variable that holds the key; none: no key is sent.")]
Formats = Annotated[str | None, typer.Option(help="Formats to write, separated by commas (default: the pack's).")]
Seed = Annotated[int, typer.Option(help="Seed of chunks, formats and wordings.")]
Concurrency = Annotated[int, typer.Option(min=1, max=64, help="Questions asked at once.")]


def register(dataset: typer.Typer) -> None:
    """Add the commands to `graft dataset`."""
    dataset.command("synthesize")(synthesize)
    dataset.command("restyle")(restyle)


def synthesize(
    context: typer.Context,
    domain: Domain = "django",
    count: Count = 20,
    tries: Tries = None,
    formats: Formats = None,
    teacher_url: Url = None,
    teacher_model: Model = None,
    teacher_key_env: KeyEnv = None,
    seed: Seed = 7,
    concurrency: Concurrency = 4,
    as_json: AsJson = False,
    trust: Trust = False,
) -> None:
    """Let a teacher write examples from the documents: verified by code, then reviewed by you."""
    from finetune.synthesis.run import Options
    from finetune.synthesis.run import synthesize as run

    console: Console = context.obj
    settings, workspace, pack = console.open(domain)
    corpus = indexed_text(settings, workspace, pack, console, trusted=trust)
    options = Options(count, tries or 10 * count, _formats(formats, pack.formats), seed, concurrency)
    with (
        opened_teacher(console, settings, workspace, pack, teacher_url, teacher_model, teacher_key_env) as teacher,
        console.bars() as progress,
    ):
        report = run(
            pack,
            corpus,
            teacher,
            review_file(pack),
            options,
            teacher=teacher.name,
            on_progress=progress,
        )
    tell_run(console, report, domain, as_json=as_json)


def restyle(
    context: typer.Context,
    domain: Domain = "django",
    count: Count = 20,
    tries: Tries = None,
    formats: Formats = None,
    teacher_url: Url = None,
    teacher_model: Model = None,
    teacher_key_env: KeyEnv = None,
    concurrency: Concurrency = 4,
    as_json: AsJson = False,
) -> None:
    """Let a teacher rewrite text and Markdown answers in the persona's voice: facts checked by code, then reviewed."""
    from core.types import STRUCTURED
    from finetune.synthesis.run import Options
    from finetune.synthesis.run import restyle as run

    console: Console = context.obj
    settings, workspace, pack = console.open(domain)
    plain: tuple[Format, ...] = tuple(format for format in pack.formats if format not in STRUCTURED)
    options = Options(count, tries or 10 * count, _formats(formats, plain), concurrency=concurrency)
    with (
        opened_teacher(console, settings, workspace, pack, teacher_url, teacher_model, teacher_key_env) as teacher,
        console.bars() as progress,
    ):
        report = run(
            pack,
            teacher,
            review_file(pack),
            options,
            teacher=teacher.name,
            on_progress=progress,
        )
    tell_run(console, report, domain, as_json=as_json)


def indexed_text(
    settings: "Settings", workspace: "Workspace", pack: "DomainPack", console: Console, *, trusted: bool
) -> "CorpusText":
    """The indexed text; documents that were never indexed are indexed first."""
    from finetune.corpus_text import CorpusText
    from graft.connect import open_existing_index
    from graft.service import LocalService

    corpus = CorpusText.open(workspace.corpus(pack.name))
    if corpus is None:
        service = LocalService(settings, workspace, pack, trusted=trusted)
        service.prepare(console.say)
        open_existing_index(service, console.say)
        corpus = CorpusText.open(workspace.corpus(pack.name))
    assert corpus is not None
    return corpus


def _formats(chosen: str | None, offered: "tuple[Format, ...]") -> "tuple[Format, ...]":
    if chosen is None:
        return offered
    names = [name.strip() for name in chosen.split(",") if name.strip()]
    for name in names:
        if name not in offered:
            raise RequestError(f"--formats {name}: this command and pack can write {', '.join(offered)}")
    return tuple(format for format in offered if format in names)


def review_file(pack: "DomainPack") -> "ReviewFile":
    """The file in which candidates wait for a person."""
    from finetune.synthesis.candidate import ReviewFile

    return ReviewFile(pack.data / "examples")


@contextmanager
def opened_teacher(
    console: Console,
    settings: "Settings",
    workspace: "Workspace",
    pack: "DomainPack",
    url: str | None,
    model: str | None,
    key_env: str | None,
) -> "Iterator[Teacher]":
    """A teacher, named on stderr; what was started for it is stopped afterwards."""
    from graft.teacher import open_teacher

    with open_teacher(settings, workspace, pack, console.say, url=url, model=model, key_env=key_env) as teacher:
        console.say(f"teacher: {teacher.name}")
        yield teacher


def tell_run(console: Console, report: "RunReport", domain: str, *, as_json: bool) -> None:
    """What came of a run, and what to do next."""
    if as_json:
        console.emit(report._asdict())
        return
    print(f"{report.kept} kept of {report.asked} asked; {report.waiting} wait for review")
    for reason, times in report.refused.items():
        print(f"  refused {times}: {reason}")
    if report.waiting:
        console.say(f"next: graft dataset review --domain {domain}")
