"""Commands that hold the lab's rules against people and a judge: lab label|judge."""

from typing import TYPE_CHECKING, Annotated

import typer

from core.files import sha256_json, write_json
from core.printable import printable
from graft.cli_lab_runs import ArmName, RunName, open_run
from graft.cli_serve import AsJson, Domain
from graft.console import Console

if TYPE_CHECKING:
    from evaluation.runs import AnswerRow


def register(lab: typer.Typer) -> None:
    """Add the commands to `graft lab`."""
    lab.command("label")(label)
    lab.command("judge")(judge)


def label(
    context: typer.Context,
    domain: Domain = "django",
    arm: ArmName = None,
    run: RunName = None,
    count: Annotated[int, typer.Option(min=1, help="Answers in the sample.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Read a sample of answers and say which are right; shows how well the lab's rules agree with you.

    The rules' own verdict is not shown. Labels are kept in the workspace, and found again while answers stay the same.
    """
    from evaluation.labels import LABELS_FILE, Labels, agreement, agreement_line, metric_verdicts, to_label

    console: Console = context.obj
    found = open_run(console, domain, run)
    settings, workspace, pack = console.open(domain)
    name = arm or found.focus
    rows = [row for row in found.rows if row.arm == name]
    labels = Labels(workspace.lab(pack.name) / LABELS_FILE)
    todo = to_label(rows, labels, count, settings.lab.seed)
    for number, row in enumerate(todo, start=1):
        if as_json:
            break
        print(f"\n--- {number} of {len(todo)}\n{_shown(row)}")
        key = typer.prompt("[r]ight, [w]rong, [s]kip, [q]uit", default="s").strip().casefold()[:1]
        if key == "q":
            break
        if key in ("r", "w"):
            labels.add(row, right=key == "r")
    result = agreement(rows, metric_verdicts(rows), labels, settings.lab.bootstrap, settings.lab.seed)
    if as_json:
        console.emit({"arm": name, "rules": result})
        return
    print(agreement_line("the lab's rule", result))
    for kind in ("too_kind", "too_strict"):
        if result[kind]:
            print(f"  {kind.replace('_', ' ')}: {', '.join(result[kind])}")


def judge(
    context: typer.Context,
    judge_url: Annotated[str, typer.Option(help="OpenAI-compatible endpoint of the judge (https://host/v1).")],
    judge_model: Annotated[str, typer.Option(help="The judge's name there.")],
    domain: Domain = "django",
    arms: Annotated[str | None, typer.Option(help="Arms to judge, separated by commas (default: all).")] = None,
    run: RunName = None,
    judge_key_env: Annotated[str | None, typer.Option(help="Environment variable that holds the key.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Answers judged at once.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Let a model judge a run's answers, and hold its verdicts against labels (graft lab label) and the lab's rules."""
    from core.errors import RequestError
    from evaluation.judge import judge_run
    from evaluation.labels import LABELS_FILE, Labels, agreement_line
    from graft.teacher import open_teacher

    console: Console = context.obj
    found = open_run(console, domain, run)
    settings, workspace, pack = console.open(domain)
    names = [name.strip() for name in (arms or ",".join(found.arms)).split(",") if name.strip()]
    unknown = [name for name in names if name not in found.arms]
    if unknown:
        raise RequestError(f"no arm {', '.join(unknown)} in that lab: it asked {', '.join(found.arms)}")
    folder = workspace.lab(pack.name)
    cache = folder / f"judge-{sha256_json([judge_url, judge_model])[:12]}.jsonl"
    with (
        open_teacher(
            settings, workspace, pack, console.say,
            url=judge_url, model=judge_model, key_env=judge_key_env, role="judge",
        ) as asked,
        console.bars() as progress,
    ):  # fmt: skip
        result = judge_run(
            found, names, asked, Labels(folder / LABELS_FILE), cache,
            concurrency=concurrency, resamples=settings.lab.bootstrap, seed=settings.lab.seed, on_progress=progress,
        )  # fmt: skip
    result = {"judge": asked.name, **result}
    write_json(found.folder / "judge.json", result)
    if as_json:
        console.emit(result)
        return
    for name, entry in result["arms"].items():
        judged = entry["judged"]
        shown = (
            "no verdict"
            if judged is None
            else f"{judged['mean']:.1%} [{judged['ci95'][0]:.1%}, {judged['ci95'][1]:.1%}]"
        )
        print(f"{name}: the judge calls {shown} right, the rules {entry['rules']['mean']:.1%}")
    print(agreement_line("the judge", result["with_people"]["judge"]))
    print(agreement_line("the lab's rule", result["with_people"]["rules"]))


def _shown(row: "AnswerRow") -> str:
    import json

    example = row.example
    expected = example.answer if isinstance(example.answer, str) else json.dumps(example.answer, ensure_ascii=False)
    assert row.answer is not None
    lines = [
        f"question  {example.question}",
        f"expected  {expected if example.answerable else 'a refusal'}",
        *(f"evidence  {evidence.quote}" for evidence in example.evidence),
        f"answered  {'(refused)' if row.answer.refused else ' '.join(row.answer.text.split())}",
    ]
    return "\n".join(map(printable, lines))
