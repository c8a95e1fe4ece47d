"""Commands beside the lab itself: lab errors|collect|compare about runs that are done, and lab drill."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import LabError
from core.printable import printable
from graft.cli_serve import AsJson, Domain, Trust, VllmUrl
from graft.cli_synthesize import Concurrency, Count, KeyEnv, Model, Seed, Tries, Url
from graft.console import Console

if TYPE_CHECKING:
    from evaluation.runs import Miss, Run

ArmName = Annotated[str | None, typer.Option("--arm", help="The arm (default: the one the lab compares).")]
Kinds = Annotated[list[str] | None, typer.Option("--class", help="A class of misses; repeatable (default: all).")]
RunName = Annotated[str | None, typer.Option("--run", help="Folder or name of a lab run (default: the latest).")]
_WIDEST = 400


def register(lab: typer.Typer) -> None:
    """Add the commands to `graft lab`."""
    lab.command("errors")(errors)
    lab.command("collect")(collect)
    lab.command("compare")(compare)
    lab.command("drill")(drill)


def errors(
    context: typer.Context,
    domain: Domain = "django",
    arm: ArmName = None,
    kind: Kinds = None,
    run: RunName = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many misses, at most.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the misses of an arm: question, expected, answered, why, what helps, and the command to begin with."""
    from evaluation.misses import REMEDIES
    from evaluation.runs import count_misses, misses

    console: Console = context.obj
    found = open_run(console, domain, run)
    name = arm or found.focus
    listed = misses(found, name, _kinds(kind), domain)[:limit]
    if as_json:
        console.emit({"run": str(found.folder), "arm": name, "misses": [miss.model_dump() for miss in listed]})
        return
    for number, miss in enumerate(listed, start=1):
        print(f"{number}. {_shown(miss)}\n")
    counts = count_misses(found, name)
    total = sum(row.arm == name for row in found.rows)
    print(f"{name}: {sum(counts.values())} misses of {total} questions")
    for key, count in counts.most_common():
        print(f"  {count:>4} {key.replace('_', ' ')}: {REMEDIES[key].remedy}")


def collect(
    context: typer.Context,
    domain: Domain = "django",
    arm: ArmName = None,
    kind: Kinds = None,
    run: RunName = None,
    count: Count = 20,
    tries: Tries = None,
    teacher_url: Url = None,
    teacher_model: Model = None,
    teacher_key_env: KeyEnv = None,
    seed: Seed = 7,
    concurrency: Concurrency = 4,
    as_json: AsJson = False,
    trust: Trust = False,
) -> None:
    """Turn misses into examples to review: new ones, near the missed evidence, never of the test set itself.

    The misses say which documents, headings and formats lack examples. A teacher writes new questions there; code
    refuses whatever the test set asks about; `graft dataset review` has the last word.
    """
    from evaluation.misses import TRAINABLE
    from evaluation.runs import missed_rows
    from finetune.synthesis.run import Options, synthesize
    from graft.cli_synthesize import indexed_text, opened_teacher, review_file, tell_run
    from graft.collect import COLLECT, STAGE, NearText, collect_arguments, wanted_from
    from graft.own_process import recorded
    from graft.pace import Pace

    console: Console = context.obj
    found = open_run(console, domain, run)
    settings, workspace, pack = console.open(domain)
    name = arm or found.focus
    again = collect_arguments(domain, str(found.folder), name, _kinds(kind), count, trust=trust)
    with recorded(workspace.lab(pack.name) / COLLECT, again, Pace([STAGE])) as record:
        rows = missed_rows(found, name, _kinds(kind) or TRAINABLE)
        whole = indexed_text(settings, workspace, pack, console, trusted=trust)
        wanted = wanted_from([row.example for row in rows], whole, pack)
        if not wanted.headings:
            raise LabError(
                f"no miss of {name} in that lab has evidence in the documents: questions that these do not answer are "
                "taught by the refusals that graft dataset build writes"
            )
        near = NearText(whole, wanted)
        console.say(
            f"{len(rows)} misses of {name}: asking about {len(near.sources)} documents, in {', '.join(wanted.formats)}"
        )
        options = Options(count, tries or 10 * count, wanted.formats, seed, concurrency)
        with (
            opened_teacher(console, settings, workspace, pack, teacher_url, teacher_model, teacher_key_env) as teacher,
            console.bars() as bars,
        ):
            report = synthesize(
                pack, near, teacher, review_file(pack), options, teacher=teacher.name, on_progress=record.progress(bars)
            )  # fmt: skip
        record.said = f"{report.kept} kept of {report.asked} asked; {report.waiting} wait for review"
    tell_run(console, report, domain, as_json=as_json)


def compare(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="The earlier lab: folder, lab.json, name, latest or previous.")],
    after: Annotated[str, typer.Argument(help="The later lab.")],
    domain: Domain = "django",
    tolerance: Annotated[float, typer.Option(min=0, help="Points that a figure may drop.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Compare two labs question by question. Exit 1 when an arm has clearly become worse, for CI."""
    from evaluation.compare import compare_runs, comparison_table

    console: Console = context.obj
    settings = console.settings()
    left, right = open_run(console, domain, before), open_run(console, domain, after)
    comparison = compare_runs(
        left, right, tolerance=tolerance / 100, resamples=settings.lab.bootstrap, seed=settings.lab.seed
    )
    if as_json:
        console.emit(comparison)
    else:
        print(comparison_table(comparison))
    if comparison["regressions"]:
        console.say(f"clearly worse: {'; '.join(comparison['regressions'])}")
        raise typer.Exit(1)


def drill(
    context: typer.Context,
    domain: Domain = "django",
    arms: Annotated[str, typer.Option(help="Arms to ask, separated by commas.")] = "rag,lora,hybrid",
    facts: Annotated[int, typer.Option(min=1, help="Facts to change.")] = 5,
    as_json: AsJson = False,
    vllm_url: VllmUrl = None,
    trust: Trust = False,
) -> None:
    """Change facts in a copy of the documents; measure how long until each arm answers with the new ones."""
    from evaluation.drill import drill_lines
    from graft.drill import run

    console: Console = context.obj
    settings, workspace, pack = console.open(domain, serve__vllm_url=vllm_url)
    names = [name.strip() for name in arms.split(",") if name.strip()]
    with console.bars() as progress:
        result = run(settings, workspace, pack, names, facts=facts, say=console.say, progress=progress, trusted=trust)
    if as_json:
        console.emit(result)
    else:
        print("\n".join(drill_lines(result)))


def _kinds(given: list[str] | None) -> list[str]:
    """Classes as they are called in files: people read them with blanks, and type them with dashes."""
    return [name.strip().replace("-", "_").replace(" ", "_") for name in given or ()]


def open_run(console: Console, domain: str, name: str | None) -> "Run":
    """A run of the domain, by name or path; a path needs no workspace of its own."""
    from evaluation.runs import find_run, read_run

    if name is not None and Path(name).exists():
        return read_run(find_run(name, Path()))
    _, workspace, pack = console.open(domain)
    return read_run(find_run(name, workspace.lab(pack.name)))


def _shown(miss: "Miss") -> str:
    lines = [
        f"{miss.question}   [{miss.kind.replace('_', ' ')}, {miss.id}, {miss.format}]",
        f"expected  {miss.expected}",
        f"answered  {' '.join(miss.said.split())}",
        *(f"evidence  {evidence}" for evidence in miss.evidence),
        f"why       {miss.meaning}",
        f"helps     {miss.remedy}",
        f"begin     {miss.command}",
    ]
    # Answers and documents must not steer the terminal.
    shown = (printable(line if len(line) < _WIDEST else f"{line[:_WIDEST]}…") for line in lines)
    return "\n   ".join(shown)
