"""How long a question takes in large indexes, embedding and both searches included; from one thread and from four.

Usage: python bench/bench_latency.py [--workspace .graft] [--chunks 10000,100000] [--questions 300] [--json]

The text is generated (bench/generated_corpus.py) and indexed by Graft's own ingestion, once; the index is kept in the
workspace. Questions are embedded by the real model. Reranking is off. Each question is asked once, after a warm-up with
others.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from bench.generated_corpus import GeneratedVectors, questions, write_corpus
from core.settings import IngestSettings, load_settings
from core.workspace import Workspace

WARM_UP = 30
THREADS = 4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path(".graft"))
    parser.add_argument("--chunks", default="10000,100000")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    from graft.build import load_embeddings
    from graft.models import prepare_models
    from ingest.pipeline import ingest_corpus
    from retriever.hybrid import HybridRetriever, open_retriever

    settings = load_settings()
    workspace = Workspace.open(arguments.workspace)
    real = load_embeddings(settings, prepare_models(settings.models, workspace, say).embedder)
    embeddings = GeneratedVectors(real, len(real.embed_query("warm up")))
    results = []
    for chunks in map(int, arguments.chunks.split(",")):
        folder = workspace.root / "bench" / f"generated-{chunks}"
        if not folder.exists():
            write_corpus(folder, chunks)
        target = workspace.root / "bench" / "corpora" / f"generated-{chunks}"
        started = time.perf_counter()
        report = ingest_corpus([folder], target, embeddings, IngestSettings(chunk_tokens=160))
        say(f"{report.chunks} chunks, indexed in {time.perf_counter() - started:.0f} s ({report.indexed} new files)")
        retriever: HybridRetriever = open_retriever(target, embeddings, settings.retrieve)
        asked = questions(folder, WARM_UP + arguments.questions)
        for question in asked[:WARM_UP]:
            retriever.search(question)
        result = {"chunks": report.chunks, "one": alone(retriever, asked[WARM_UP:])}
        result["four"] = together(retriever, questions(folder, arguments.questions, seed=4))
        results.append(result)
        say(json.dumps(result))
        retriever.close()
    if arguments.json:
        print(json.dumps({"questions": arguments.questions, "threads": THREADS, "sizes": results}))


def alone(retriever, asked: Sequence[str]) -> dict[str, float]:
    """One question after the other."""
    times = []
    for question in asked:
        started = time.perf_counter()
        retriever.search(question)
        times.append(time.perf_counter() - started)
    return figures(times) | {"question": max(zip(times, asked, strict=True))[1]}


def together(retriever, asked: Sequence[str]) -> dict[str, float]:
    """Four threads that ask without a pause."""

    def ask(question: str) -> float:
        started = time.perf_counter()
        retriever.search(question)
        return time.perf_counter() - started

    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        times = list(pool.map(ask, asked))
    return figures(times) | {"questions per second": round(len(asked) / (time.perf_counter() - started), 1)}


def figures(times: Sequence[float]) -> dict:
    """Median and tail, in milliseconds."""
    return {f"p{q}": round(1000 * float(np.quantile(times, q / 100)), 1) for q in (50, 95, 99)}


def say(*words: object) -> None:
    """Progress, beside the result."""
    print(*words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
