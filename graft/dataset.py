"""Wires the dataset commands: pack, index and tokenizer in, reports out. Starts no model. Prints nothing."""

from collections.abc import Callable

from core.pack import DomainPack
from core.settings import Settings
from core.workspace import Workspace
from finetune.corpus_text import CorpusText
from finetune.dataset_check.check import CheckReport, Limits, check_examples
from finetune.dataset_stats import DatasetStats, count_examples
from graft import build
from graft.models import prepare_models

Say = Callable[[str], None]
MADE_BY_PREPARE = "is made by prepare.py; a newer one would write it without your examples"


def check_domain(settings: Settings, workspace: Workspace, pack: DomainPack, say: Say) -> CheckReport:
    """Check the examples of `pack`, with its index where there is one. Raises ModelError, ExampleError."""
    models = prepare_models(settings.models, workspace, say, weights=False)
    corpus = CorpusText.open(workspace.corpus(pack.name))
    return check_examples(pack, corpus, build.message_counter(models.llm), limits_of(settings))


def limits_of(settings: Settings) -> Limits:
    """How long examples may be under these settings."""
    return Limits(
        context=settings.serve.max_model_len,
        passages=settings.retrieve.token_budget,
        answer=settings.generate.max_tokens,
    )


def count_domain(settings: Settings, workspace: Workspace, pack: DomainPack, say: Say) -> DatasetStats:
    """Count the examples of `pack`. Raises ModelError, ExampleError."""
    models = prepare_models(settings.models, workspace, say, weights=False)
    return count_examples(pack, build.message_counter(models.llm))
