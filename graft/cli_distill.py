"""The distill command: a teacher's verified answers train the student."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import RequestError, SettingsError
from graft.cli_serve import AsJson, Domain, Trust
from graft.cli_synthesize import KeyEnv, Model, Url
from graft.console import Console

if TYPE_CHECKING:
    from core.settings import Settings
    from graft.distill import TeacherModel


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(distill)


def distill(
    context: typer.Context,
    domain: Domain = "django",
    teacher_url: Url = None,
    teacher_model: Model = None,
    teacher_key_env: KeyEnv = None,
    shots: Annotated[int, typer.Option(min=1, max=20, help="Worked examples in the teacher's prompt.")] = 5,
    limit: Annotated[int | None, typer.Option(min=1, help="Training questions asked (default: all).")] = None,
    test_limit: Annotated[int | None, typer.Option(min=1, help="Test questions asked (default: all).")] = None,
    preset: Annotated[str | None, typer.Option(help="As in graft train.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="As in graft train.")] = None,
    as_json: AsJson = False,
    trust: Trust = False,
) -> None:
    """Let a teacher answer the training questions, train on what is verified, and compare the two on the test set."""
    from graft.connect import find_remote, open_existing_index
    from graft.distill import distill as run
    from graft.service import LocalService

    console: Console = context.obj
    settings, workspace, pack = console.open(domain, train__preset=preset, train__max_steps=max_steps)
    if find_remote(workspace, pack) is not None:
        raise RequestError("distillation needs the machine for itself: stop the graft that serves this workspace first")
    service = LocalService(settings, workspace, pack, trusted=trust)
    try:
        service.prepare(console.say)
        open_existing_index(service, console.say)
        service.start_model(console.say)
        assert service.models is not None
        teacher = _teacher(settings, teacher_url, teacher_model, teacher_key_env, service.models.llm_name)
        with console.bars() as progress:
            manifest, report = run(
                service,
                teacher,
                shots=shots,
                limit=limit,
                test_limit=test_limit,
                progress=progress,
                tell=lambda status: progress("training", int(1000 * status.progress), 1000),
                on_plan=lambda plan: console.say("\n".join(plan.lines())),
                on_report=lambda found: console.say("\n".join(found.lines())),
                say=console.say,
            )
    finally:
        service.close()
    if as_json:
        shares = {"kept": report.kept, "saved": report.saved, "prompt_saved": report.prompt_saved}
        shares |= {"cost_saved": report.cost_saved, "adapter": manifest.name}
        console.emit({**report.model_dump(), **shares})
    else:
        print("\n".join(report.lines()))


def _teacher(
    settings: "Settings", url: str | None, model: str | None, key_env: str | None, base: str
) -> "TeacherModel":
    """The endpoint's model, or the base model. Raises SettingsError."""
    from graft.distill import TeacherModel

    if url is None:
        if model or key_env:
            raise SettingsError("--teacher-model and --teacher-key-env belong to --teacher-url")
        return TeacherModel(base)
    if not model:
        raise SettingsError("--teacher-url needs --teacher-model: which of its models shall answer")
    if key_env is not None and not os.environ.get(key_env):
        raise SettingsError(f"environment variable {key_env} is not set or empty")
    from graft.endpoint_model import EndpointModel
    from graft.teacher import endpoint_model

    asked = endpoint_model(settings, model, url, os.environ[key_env] if key_env else "unused")
    return TeacherModel(model, EndpointModel(inner=asked, endpoint=f"{model} at {url}"))
