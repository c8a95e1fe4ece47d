"""A domain's own reranker: from its training examples to a folder in the workspace. Prints nothing."""

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from core.errors import TrainError
from core.files import write_json
from finetune.rows import check_leakage
from graft import build
from graft.connect import open_existing_index
from graft.service import LocalService
from retriever.asked import ask, choose
from retriever.reranker import CrossEncoderReranker
from retriever.reranker_training import Trained, measure, split, train_reranker

MOST = 500


def train_domain_reranker(
    service: LocalService,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None],
    *,
    max_minutes: float,
    seed: int = 7,
) -> tuple[Trained, Path]:
    """Train, measure and keep it. Raises LeakageError, RetrievalError for too few examples, TrainError, ModelError."""
    started = time.perf_counter()
    pack, models = service.pack, service.models
    if models is None:
        raise TrainError("the models are not prepared yet: run graft models prepare")
    base = models.embedder
    if not isinstance(base, Path):
        raise TrainError(
            f"a reranker starts from the embedder's weights, which {base} does not give away: name a folder with "
            "retrieve.reranker"
        )
    check_leakage(pack)
    chosen = choose(pack.train_examples, MOST, seed)
    open_existing_index(service, say)
    index = service.retriever(pack.name).indexes[0]
    asked = ask(
        index,
        service.embeddings(),
        chosen,
        lambda done, total: progress("questions", done, total),
        least=service.settings.retrieve.rerank_candidates,  # what is measured is what will be read
    )
    own, others = split(asked)
    if not own or not others:
        raise TrainError(f"all training examples of '{pack.name}' are about one record: nothing could be measured")
    with index.lock:
        weights = index.current().weights
    folder = service.workspace.root / "rerankers" / pack.name
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    pairs = train_reranker(
        base,
        own,
        weights,
        fresh,
        max_minutes=max_minutes,
        seed=seed,
        on_progress=lambda done, total: progress("training", done, total),
    )
    wish = service.settings.retrieve
    before, after, gain = measure(
        CrossEncoderReranker(fresh),
        others,
        weights,
        build.token_counter(models.llm),
        k=wish.k,
        token_budget=wish.token_budget,
        candidates=wish.rerank_candidates,
        seed=seed,
    )
    trained = Trained(pairs, len(others), before, after, gain, round(time.perf_counter() - started, 1))
    write_json(fresh / "graft-card.json", {**asdict(trained), "helps": trained.helps, "domain": pack.name})
    shutil.rmtree(folder, ignore_errors=True)
    fresh.replace(folder)
    return trained, folder
