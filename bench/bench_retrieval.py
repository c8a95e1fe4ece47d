"""How well and how fast passages are found: evidence recall, nDCG, MRR and time, for each part of the retriever.

Usage: python bench/bench_retrieval.py [--domain django] [--workspace .graft] [--split test] [--baseline] [--json]

Recall is the share of answerable questions for which every evidence quote stands in the passages that fit the token
budget, at most k of them. Parts: dense alone, lexical alone, fused, fused with names and best line (what is served).
--baseline also measures what a plain LangChain pipeline gives: pieces of 1,000 characters with 200 of overlap, the same
embedder, the nearest four, at the same budget. Settings were chosen on the training split.
"""

import argparse
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from langchain_core.documents import Document

from core.examples import read_examples
from core.passages import CountTokens, contains_quote, to_passages
from core.settings import load_settings
from core.types import Example, Passage
from core.workspace import Workspace

BUDGETS = (700, 1000)
DEPTH = 10
Search = Callable[[str], list[Document]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", default="django")
    parser.add_argument("--workspace", type=Path, default=Path(".graft"))
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    from graft.build import load_embeddings, open_pack, token_counter
    from graft.models import prepare_models
    from retriever.hybrid import open_retriever

    say = lambda *words: print(*words, file=sys.stderr)  # noqa: E731
    settings = load_settings()
    workspace = Workspace.open(arguments.workspace)
    models = prepare_models(settings.models, workspace, say)
    pack = open_pack(arguments.domain, workspace)
    embeddings = load_embeddings(settings, models.embedder)
    retriever = open_retriever(workspace.corpus(pack.name), embeddings, settings.retrieve)
    examples = distinct(read_examples(pack.test_file if arguments.split == "test" else pack.train_file))
    say(f"{len(examples)} answerable questions, {retriever.generation.chunks} chunks")
    ways: dict[str, Search] = {
        way: (lambda question, way=way: retriever.search(question, DEPTH, way=way))
        for way in ("dense", "lexical", "fused", "full")
    }
    if arguments.baseline:
        ways["langchain 1000/200"] = baseline(pack.corpus_paths, embeddings, say)
    retriever.search("warm up")
    count = token_counter(models.llm)
    results = {}
    for name, search in ways.items():
        k = 4 if name.startswith("langchain") else arguments.k
        results[name] = measure(search, examples, k, count)
        say(row(name, results[name]))
    if arguments.json:
        print(json.dumps({"domain": pack.name, "split": arguments.split, "questions": len(examples), "ways": results}))


def distinct(examples: Sequence[Example]) -> list[Example]:
    """Answerable examples, each question with its evidence once (it may be asked in several formats)."""
    found = {(e.question, e.evidence): e for e in reversed(examples) if e.answerable}
    return list(found.values())


def measure(search: Search, examples: Sequence[Example], k: int, count: CountTokens) -> dict[str, float]:
    """Means over all questions, over those that name the thing, and over those that describe it."""
    values: dict[str, list[float]] = defaultdict(list)
    for example in examples:
        started = time.perf_counter()
        documents = search(example.question)
        values["ms"].append(1000 * (time.perf_counter() - started))
        groups = [""] + [f"/{tag.removeprefix('naming:')}" for tag in example.tags if tag.startswith("naming:")]
        for name, value in judge(example, documents, k, count).items():
            for group in groups:
                values[name + group].append(value)
    times = sorted(values["ms"])
    means = {name: sum(found) / len(found) for name, found in values.items()}
    return {**means, "ms p95": times[int(0.95 * (len(times) - 1))]}


def judge(example: Example, documents: Sequence[Document], k: int, count: CountTokens) -> dict[str, float]:
    """Recall within each budget, reciprocal rank and nDCG of one question's documents."""
    scores: dict[str, float] = {}
    for budget in BUDGETS:
        passages = to_passages(documents[:k], budget, count)
        scores[f"recall@{k}/{budget}"] = float(holds_all(example, passages))
    ranks = [rank for rank, document in enumerate(documents) if is_evidence(example, document)]
    scores["mrr"] = 1 / (1 + ranks[0]) if ranks else 0.0
    wanted = sum(1 / math.log2(2 + rank) for rank in range(min(len(example.evidence), DEPTH)))
    scores["ndcg@10"] = min(1.0, sum(1 / math.log2(2 + rank) for rank in ranks) / wanted) if wanted else 0.0
    return scores


def holds_all(example: Example, passages: Sequence[Passage]) -> bool:
    """Whether every evidence quote stands in a passage."""
    return all(contains_quote(passages, evidence.source, evidence.quote) for evidence in example.evidence)


def is_evidence(example: Example, document: Document) -> bool:
    """Whether a document holds a quote."""
    passages = to_passages([document], 10**9, lambda _text: 0)
    return any(contains_quote(passages, evidence.source, evidence.quote) for evidence in example.evidence)


def row(name: str, means: dict[str, float]) -> str:
    """One line of the table."""
    return f"{name:20s} " + "  ".join(f"{key} {value:.3f}" for key, value in means.items())


def baseline(roots: Sequence[Path], embeddings, say: Callable[..., None]) -> Search:
    """Pieces of 1,000 characters, 200 of overlap, in LangChain's in-memory store, the nearest four by vector."""
    from langchain_core.vectorstores import InMemoryVectorStore

    documents = []
    for root in roots:
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            source = path.relative_to(root).as_posix()
            pieces = split(path.read_text(encoding="utf-8", errors="replace"), 1000, 200, ("\n\n", "\n", " "))
            documents += [Document(page_content=piece, metadata={"source": source}) for piece in pieces]
    say(f"embedding {len(documents)} pieces for the baseline")
    store = InMemoryVectorStore(embeddings)
    for start in range(0, len(documents), 500):
        store.add_documents(documents[start : start + 500])
    return lambda question: store.similarity_search(question, k=DEPTH)


def split(text: str, size: int, overlap: int, separators: Sequence[str]) -> list[str]:
    """Cut as LangChain's RecursiveCharacterTextSplitter does: at paragraphs, else lines, else words, else anywhere."""
    if not separators:
        return [text[start : start + size] for start in range(0, len(text), size - overlap)]
    pieces: list[str] = []
    current: list[str] = []
    for part in text.split(separators[0]):
        if len(part) > size:
            pieces += [separators[0].join(current)] if current else []
            pieces += split(part, size, overlap, separators[1:])
            current = []
            continue
        if current and len(separators[0].join([*current, part])) > size:
            pieces.append(separators[0].join(current))
            while current and (
                len(separators[0].join(current)) > overlap or len(separators[0].join([*current, part])) > size
            ):
                current.pop(0)
        current.append(part)
    pieces += [separators[0].join(current)] if current else []
    return [piece for piece in pieces if piece.strip()]


if __name__ == "__main__":
    main()
