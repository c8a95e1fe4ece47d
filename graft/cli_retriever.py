"""Commands about the retriever: tune."""

import time
from typing import Annotated

import typer

from graft.cli_serve import AsJson, Domain, Trust
from graft.console import Console

retriever = typer.Typer(help="How passages are found.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(retriever, name="retriever")


@retriever.command("tune")
def tune(
    context: typer.Context,
    domain: Domain = "django",
    reset: Annotated[bool, typer.Option("--reset", help="Forget what was tuned: the defaults again.")] = False,
    as_json: AsJson = False,
    trust: Trust = False,
) -> None:
    """Tune how dense search, words, names and lines are weighed, on the domain's training examples.

    Half of the examples tune, the other half is measured, and the other way round; a tuning that does not help on
    what it was not tuned on is not kept. A running graft takes it up with its next question.
    """
    from core.files import sha256_json
    from core.index import CorpusFiles, index_fingerprint
    from graft import build
    from graft.connect import open_existing_index
    from graft.service import LocalService
    from retriever.tuning import tune as find_weights
    from retriever.weights import Tuning, write_tuning

    console: Console = context.obj
    settings, workspace, pack = console.open(domain)
    files = CorpusFiles(workspace.corpus(pack.name))
    if reset:
        files.tuning.unlink(missing_ok=True)
        print(f"{pack.name}: the default weights are used")
        return
    service = LocalService(settings, workspace, pack, trusted=trust)
    service.prepare(console.say)
    open_existing_index(service, console.say)
    assert service.models is not None
    wish = settings.retrieve
    with console.bars() as progress:
        tuned = find_weights(
            service.retriever(pack.name).indexes[0],
            service.embeddings(),
            pack.train_examples,
            build.token_counter(service.models.llm),
            k=wish.k,
            token_budget=wish.token_budget,
            on_progress=lambda done, total: progress("questions", done, total),
        )
    tuning = Tuning(
        weights=tuned.weights,
        examples=tuned.examples,
        k=wish.k,
        token_budget=wish.token_budget,
        before=tuned.before,
        after=tuned.after,
        gain=tuned.gain,
        index=index_fingerprint(files.root),
        examples_hash=sha256_json([example.id for example in pack.train_examples]),
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    if tuned.helps:
        write_tuning(files.tuning, tuning)
    if as_json:
        console.emit({**tuning.model_dump(), "kept": tuned.helps})
        return
    gain, low, high = (100 * value for value in tuned.gain)
    print(
        f"evidence found {100 * tuned.before['recall']:.1f}% -> {100 * tuned.after['recall']:.1f}% "
        f"({gain:+.1f} points [{low:+.1f}, {high:+.1f}]), mean reciprocal rank {tuned.before['mrr']:.3f} -> "
        f"{tuned.after['mrr']:.3f}, on {tuned.examples} questions, {wish.token_budget} tokens"
    )
    print(
        "kept: " + ", ".join(f"{name} {value:g}" for name, value in tuned.weights.model_dump().items())
        if tuned.helps
        else "not kept: it does not help on questions it was not tuned on"
    )
