"""Commands that answer: up, serve, ask, search, doctor."""

import asyncio
from typing import Annotated, Any

import typer

from graft.console import Console

Domain = Annotated[str, typer.Option("--domain", help="A shipped pack's name, or the path of a pack folder.")]
Domains = Annotated[
    list[str],
    typer.Option(
        "--domain",
        help="A shipped pack's name, or the path of a pack folder. Repeat it for several; the first is the main one.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
Corpus = Annotated[str | None, typer.Option(help="Another corpus of the workspace, or several: django,helpdesk.")]
Trust = Annotated[bool, typer.Option("--trust", help="Allow the pack's own prepare.py to run.")]
VllmUrl = Annotated[str | None, typer.Option("--vllm-url", help="Use a vLLM that already runs (http://host:port).")]
Host = Annotated[str | None, typer.Option(help="Address to bind to (default 127.0.0.1).")]
Port = Annotated[int | None, typer.Option(help="Port of page and gateway (default 7860).")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(up)
    app.command()(serve)
    app.command()(ask)
    app.command()(search)
    app.command()(doctor)


def up(
    context: typer.Context,
    domain: Domains = ["django"],  # noqa: B006  typer copies it
    no_train: Annotated[bool, typer.Option("--no-train", help="Do not train an adapter.")] = False,
    host: Host = None,
    port: Port = None,
    vllm_url: VllmUrl = None,
    trust: Trust = False,
) -> None:
    """Do all that is missing and open the chat: models, documents, vLLM, page, adapter. Ctrl-C stops every process."""
    _run(context.obj, domain, page=True, train=not no_train, host=host, port=port, vllm_url=vllm_url, trust=trust)


def serve(
    context: typer.Context,
    domain: Domains = ["django"],  # noqa: B006  typer copies it
    host: Host = None,
    port: Port = None,
    vllm_url: VllmUrl = None,
    trust: Trust = False,
) -> None:
    """Serve the OpenAI-compatible endpoint /v1 and vLLM, without the page and without training."""
    _run(context.obj, domain, page=False, train=False, host=host, port=port, vllm_url=vllm_url, trust=trust)


def _run(console: Console, domains: list[str], *, page: bool, train: bool, trust: bool, **flags: Any) -> None:
    from graft.engine import Engine
    from graft.service import LocalService
    from graft.up import refuse_second, run_up

    chosen = {f"serve__{name}": value for name, value in flags.items()}
    settings, workspace, packs = console.open_all(domains, **chosen)
    engine = Engine(settings, workspace)
    services = [LocalService(settings, workspace, pack, trusted=trust, engine=engine) for pack in packs]
    for service in services:
        refuse_second(service)
    run_up(engine, services, console.say, page=page, train=train)


def ask(
    context: typer.Context,
    question: str,
    domain: Domain = "django",
    arm: Annotated[
        str | None, typer.Option(help="base, icl, rag, rag+icl, lora, hybrid, hybrid+icl; '+schema' may follow.")
    ] = None,
    format: Annotated[str | None, typer.Option(help="text, markdown, json or yaml (default: the pack's).")] = None,
    schema: Annotated[str | None, typer.Option(help="Schema of a json or yaml answer, by name.")] = None,
    corpus: Corpus = None,
    as_json: AsJson = False,
    vllm_url: VllmUrl = None,
    trust: Trust = False,
) -> None:
    """Ask one question. Without --arm: hybrid where an adapter is active, else rag."""
    from core.arms import parse_arm
    from core.chat import Question
    from core.types import FORMATS
    from graft.connect import connected

    console: Console = context.obj
    settings, workspace, pack = console.open(domain, serve__vllm_url=vllm_url)
    wanted = format or pack.defaults.format
    if wanted not in FORMATS:
        raise typer.BadParameter(f"'{wanted}' is no format: choose one of {', '.join(FORMATS)}", param_hint="--format")
    pack.schema_for(wanted, schema)
    chosen = parse_arm(arm) if arm else None
    with connected(settings, workspace, pack, console.say, model=True, trusted=trust) as service:
        if chosen is None:
            fallback = "hybrid" if service.status().adapter else "rag"
            chosen = parse_arm(pack.defaults.arm if service.status().adapter else fallback)
        # What a user asks for as json or yaml has to be valid; the arm's own skill is what the lab measures.
        asked = Question(text=question, arm=chosen, format=wanted, schema_name=schema, constrained=True)
        answer = asyncio.run(service.answer(asked, corpus))
    answer.seconds = console.seconds
    if as_json:
        fields = {
            "text",
            "answer",
            "format",
            "schema_name",
            "valid",
            "refused",
            "citations",
            "arm",
            "model",
            "usage",
            "seconds",
        }
        value = answer.model_dump(include=fields, by_alias=True)
        value["citations"] = [c.model_dump(exclude={"number"}, exclude_defaults=True) for c in answer.citations]
        console.emit(value)
        return
    print(answer.text)
    for citation in answer.citations:
        console.say(f"[{citation.number}] {citation.source}, {citation.locator}: {citation.quote}")


def search(
    context: typer.Context,
    query: str,
    domain: Domain = "django",
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Hits to show.")] = 5,
    corpus: Corpus = None,
    where: Annotated[list[str] | None, typer.Option(help="Filter, for instance format=pdf; may be repeated.")] = None,
    as_json: AsJson = False,
    trust: Trust = False,
) -> None:
    """Search the documents; each hit is a whole chunk, or neighbours joined.

    A filter is KEY=VALUE; KEY is source, format, page, place, headings, corpus, ... `*` stands for anything, and the
    same key twice means either: --where 'source=manuals/*' --where format=pdf.
    """
    from graft.connect import connected
    from retriever.where import parse_conditions

    console: Console = context.obj
    settings, workspace, pack = console.open(domain)
    with connected(settings, workspace, pack, console.say, model=False, trusted=trust) as service:
        hits = asyncio.run(service.search(query, k, corpus, parse_conditions(where or ())))
    if as_json:
        found = [{**hit.model_dump(exclude={"number"}, exclude_defaults=True), "score": hit.score} for hit in hits]
        console.emit({"hits": found, "seconds": console.seconds})
        return
    for hit in hits:
        corpus_name = f"{hit.corpus}: " if len({other.corpus for other in hits}) > 1 else ""
        print(f"[{hit.number}] {corpus_name}{hit.source} | {hit.locator}  (score {hit.score:.3f})\n{hit.text}\n")


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is installed, which device is used, what is missing, and what to do about it."""
    from graft.doctor import diagnose

    console: Console = context.obj
    checks = diagnose(console.settings())
    if as_json:
        console.emit({"checks": [check.model_dump() for check in checks]})
    else:
        marks = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
        for check in checks:
            print(
                f"{marks[check.state]}  {check.name}: {check.detail}" + (f"  -> {check.remedy}" if check.remedy else "")
            )
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(1)
