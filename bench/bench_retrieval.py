"""How well and how fast evidence is found: the LangChain default, each part of Graft's retriever, and all of it.

Usage: python bench/bench_retrieval.py [--domain django] [--workspace .graft] [--split test] [--limit 0]
       [--skip langchain,prefix,rerank] [--json]

Recall: the share of answerable questions for which every evidence quote stands in the passages that fit the token
budget (counted as the language model counts), at most five of them; of the LangChain default's pieces the first four,
as it has them. Words are compared, since its loader strips markup. nDCG and MRR are over the first ten.

  langchain   UnstructuredLoader, RecursiveCharacterTextSplitter 1000/200, HuggingFaceEmbeddings fp32, Chroma, top 4
  dense       Chroma alone; "no headings": with vectors of the bare text
  lexical     BM25 alone
  fused       both by rank
  full        and names and best lines: what is served; "not narrowed": with all rows of a passage's
              tables and all entries of its lists
  rerank      and a cross-encoder: retrieve.reranker, else the one of graft retriever train-reranker, if it was run

Differences are to the LangChain default, with 95% intervals from 2,000 resamples of the questions' records. What can
be chosen (weights, reranker) was chosen on training records: the test split is only measured.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from os import environ
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from langchain_core.documents import Document

from bench.evidence import distinct, holds_all, ranking
from bench.langchain_packages import environment
from bench.without_headings import WithoutHeadings
from core.examples import read_examples
from core.files import sha256_json
from core.passages import CountTokens
from core.settings import load_settings
from core.types import Example
from core.workspace import Workspace

K, LANGCHAIN_K, DEPTH = 5, 4, 10
BUDGETS = (450, 1000)
RESAMPLES = 2000
# Both rankings of one question, the served one and the deep one, and the milliseconds of the served one.
Found = tuple[list[Document], list[Document], float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", default="django")
    parser.add_argument("--workspace", type=Path, default=Path(".graft"))
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--limit", type=int, default=0, help="the first so many questions; 0: all")
    parser.add_argument("--skip", default="", help="rows to leave out: langchain, prefix, rerank")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    skip = set(filter(None, arguments.skip.split(",")))

    from graft.build import load_embeddings, open_pack, token_counter
    from graft.models import prepare_models
    from retriever.hybrid import open_retriever
    from retriever.reranker import CrossEncoderReranker

    settings = load_settings()
    workspace = Workspace.open(arguments.workspace)
    models = prepare_models(settings.models, workspace, say)
    pack = open_pack(arguments.domain, workspace)
    embeddings = load_embeddings(settings, models.embedder)
    corpus = workspace.corpus(pack.name)
    retriever = open_retriever(corpus, embeddings, settings.retrieve)
    examples = distinct(read_examples(pack.test_file if arguments.split == "test" else pack.train_file))
    examples = examples[: arguments.limit or None]
    say(f"{pack.name}, {arguments.split}: {len(examples)} questions, {retriever.generation.chunks} chunks")
    bench = workspace.root / "bench"
    rows: dict[str, list[Found]] = {}
    if "langchain" not in skip:
        rows["langchain"] = ask_langchain(pack.corpus_paths, str(models.embedder), bench, examples)
    ways = ["dense", "lexical", "fused", "full"]
    for way in ways:
        rows[way] = ask(lambda question, k, way=way: retriever.search(question, k, way=way), examples)
    whole = open_retriever(corpus, embeddings, settings.retrieve.model_copy(update={"narrow": False}))
    rows["full, not narrowed"] = ask(whole.search, examples)
    if "prefix" not in skip:
        bare = WithoutHeadings(retriever, corpus, bench, say)
        for way in ("dense", "full"):
            rows[f"{way}, no headings"] = ask(lambda question, k, way=way: bare.search(question, k, way), examples)
    trained = workspace.root / "rerankers" / pack.name
    if "rerank" not in skip and (settings.retrieve.reranker or trained.is_dir()):
        reranker = CrossEncoderReranker(settings.retrieve.reranker or trained)
        reranking = open_retriever(corpus, embeddings, settings.retrieve, reranker)
        rows["rerank"] = ask(reranking.search, examples)
    report(rows, examples, token_counter(models.llm), arguments)


def ask(search: Callable[[str, int], list[Document]], examples: Sequence[Example]) -> list[Found]:
    """Search for each question, timed after a warm-up."""
    search(examples[0].question, K)
    found = []
    for example in examples:
        started = time.perf_counter()
        served = search(example.question, K)
        seconds = time.perf_counter() - started
        found.append((served, search(example.question, DEPTH), 1000 * seconds))
    return found


def ask_langchain(roots: Sequence[Path], model: str, bench: Path, examples: Sequence[Example]) -> list[Found]:
    """The same for the LangChain default, in a process of its own; its index is made on the first run."""
    if len(roots) != 1 or not roots[0].is_dir():
        raise SystemExit("the LangChain default reads one folder: leave it out with --skip langchain")
    files = [(p.relative_to(roots[0]).as_posix(), p.stat().st_size) for p in sorted(roots[0].rglob("*")) if p.is_file()]
    folder = bench / f"langchain-index-{sha256_json([files, model])[:12]}"
    script = Path(__file__).resolve().parent / "langchain_search.py"
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as questions:
        questions.writelines(json.dumps(example.question) + "\n" for example in examples)
        questions.flush()
        command = [sys.executable, str(script), str(roots[0]), model, str(folder), questions.name]
        say("asking the LangChain default (its index takes minutes on the first run)")
        done = subprocess.run(
            command, capture_output=True, text=True, env={**environ, **environment(bench.parent, say)}, check=False
        )
    if done.returncode:
        raise SystemExit(f"the LangChain default failed:\n{done.stderr[-2000:]}")
    found = []
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        pieces = [Document(page_content=p["text"], metadata={"source": p["source"]}) for p in answer["pieces"]]
        found.append((pieces[:LANGCHAIN_K], pieces, answer["ms"]))
    return found


def report(
    rows: dict[str, list[Found]], examples: Sequence[Example], count: CountTokens, arguments: argparse.Namespace
) -> None:
    """Judge and print all rows."""
    judged = {name: judge(found, examples, count) for name, found in rows.items()}
    result: dict[str, Any] = {}
    draws = resamples([example.record for example in examples])
    base = judged.get("langchain")
    for name, values in judged.items():
        times = np.sort([ms for _, _, ms in rows[name]])
        figures = {key: round(float(np.mean(value)), 4) for key, value in values.items()}
        figures |= {f"ms p{q}": round(float(np.quantile(times, q / 100)), 1) for q in (50, 95)}
        if base is not None and name != "langchain":
            for budget in BUDGETS:
                key = f"recall@{K}/{budget}"
                figures |= against(key, values[key], base[key], draws)
        result[name] = figures
        say(f"{name:20s} " + "  ".join(f"{key} {value}" for key, value in figures.items()))
    groups = sorted({tag for example in examples for tag in example.tags if tag.startswith(("naming:", "wording:"))})
    split = {
        group: round(
            float(
                np.mean([v for v, e in zip(judged["full"]["recall@5/1000"], examples, strict=True) if group in e.tags])
            ),
            4,
        )
        for group in groups
    }
    say("full, recall@5/1000 by kind of question: " + ", ".join(f"{group} {value}" for group, value in split.items()))
    if arguments.json:
        head = {"domain": arguments.domain, "split": arguments.split, "questions": len(examples)}
        print(json.dumps({**head, "rows": result, "full by kind": split}))


def judge(found: Sequence[Found], examples: Sequence[Example], count: CountTokens) -> dict[str, list[float]]:
    """Recall within each budget, MRR and nDCG of each question."""
    values: dict[str, list[float]] = {}
    for (served, deep, _), example in zip(found, examples, strict=True):
        scores = {f"recall@{K}/{budget}": float(holds_all(example, served, count, budget)) for budget in BUDGETS}
        scores |= {f"{name}@{DEPTH}": value for name, value in ranking(example, deep, DEPTH).items()}
        for key, value in scores.items():
            values.setdefault(key, []).append(value)
    return values


def resamples(records: Sequence[str]) -> Any:
    """How often each question is drawn in each resample; questions about one record are drawn together."""
    labels, index = np.unique(np.asarray(records), return_inverse=True)
    chance = np.random.default_rng(11)
    return chance.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), size=RESAMPLES)[:, index]


def against(key: str, own: Sequence[float], base: Sequence[float], draws: Any) -> dict[str, Any]:
    """Gain in recall, and failures as a share of the baseline's, with intervals."""
    ours, theirs = np.asarray(own), np.asarray(base)
    totals = draws.sum(axis=1)
    gains = (draws @ (ours - theirs)) / totals
    ratios = (draws @ (1 - ours)) / np.maximum(draws @ (1 - theirs), 1)
    low, high = np.quantile(gains, (0.025, 0.975))
    worst = np.quantile(ratios, 0.975)
    failures = float((1 - ours).sum() / max((1 - theirs).sum(), 1))
    return {
        f"gain {key}": [round(float(x), 4) for x in ((ours - theirs).mean(), low, high)],
        f"failures {key}": [round(failures, 4), round(float(worst), 4)],
    }


def say(*words: object) -> None:
    """Progress, beside the result."""
    print(*words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
