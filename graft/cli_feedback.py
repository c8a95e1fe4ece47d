"""`graft feedback`: what users said about answers, and how it becomes training data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graft.cli_serve import AsJson, Domain
from graft.console import Console

if TYPE_CHECKING:
    from core.feedback_store import FeedbackStore
    from core.pack import DomainPack
    from core.workspace import Workspace

feedback = typer.Typer(help="Ratings, corrections and votes from the page.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(feedback, name="feedback")


@feedback.command("list")
def list_feedback(context: typer.Context, domain: Domain = "django", as_json: AsJson = False) -> None:
    """Show what users said about answers, oldest first."""
    from core.printable import printable
    from graft.feedback import described

    console: Console = context.obj
    _, _, store = _open(console, domain)
    ratings = [described(rating) for rating in store.ratings()]
    if as_json:
        console.emit({"ratings": ratings, "votes": len(store.votes())})
        return
    for rating in ratings:
        said = [rating["verdict"] or "", *rating["reasons"], rating["comment"]]
        print(printable(f"{rating['time'][:16]}  {', '.join(part for part in said if part) or 'corrected'}"))
        print(printable(f"  question    {rating['question']}"))
        print(printable(f"  answer      {' '.join(rating['answer'].split())}"))
        if rating["correction"] is not None:
            print(printable(f"  correction  {' '.join(rating['correction'].split())}"))
    print(f"ratings: {len(ratings)}; votes in the arena: {len(store.votes())}")


@feedback.command()
def export(
    context: typer.Context,
    domain: Domain = "django",
    out: Annotated[
        Path | None, typer.Option(help="Where preferences.jsonl goes (default: feedback/DOMAIN in the workspace).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make training data of it: corrections for `graft dataset review`, ratings and votes as preferences.

    Corrections are added to review.jsonl, each once; a person accepts them with graft dataset review. Preferences are
    written anew each time. What asks a question of the test set, or rests on files of
    one conversation, is left out.
    """
    from finetune.synthesis.candidate import ReviewFile
    from graft.feedback import take_in

    console: Console = context.obj
    workspace, pack, store = _open(console, domain)
    target = out or workspace.feedback(pack.name) / "preferences.jsonl"
    taken = take_in(store, pack, target)
    review = ReviewFile(pack.data / "examples").path
    if as_json:
        corrections = taken.model_dump(exclude={"preferences"})
        result = {"corrections": corrections, "review": str(review), "preferences": taken.preferences}
        console.emit({**result, "file": str(target)})
        return
    known = f"there already: {taken.known}, replaced: {taken.replaced}"
    print(f"corrections added: {taken.added} ({known}), in {review}\npreferences: {taken.preferences}, in {target}")
    if taken.tested:
        console.say(f"left out, because the test set asks the same: {taken.tested}")
    if taken.private:
        console.say(f"left out, because they rest on files of one conversation: {taken.private}")
    if taken.added:
        console.say(f"next: graft dataset review --domain {domain}")


def _open(console: Console, domain: str) -> "tuple[Workspace, DomainPack, FeedbackStore]":
    from core.feedback_store import FeedbackStore
    from core.user_database import UserDatabase

    _, workspace, pack = console.open(domain)
    return workspace, pack, FeedbackStore(UserDatabase(workspace.users), pack.name)
