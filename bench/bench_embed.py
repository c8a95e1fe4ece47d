"""How fast and how exactly texts become vectors: Graft's embedder beside sentence-transformers as it comes.

Usage: python bench/bench_embed.py [--domain django] [--texts 2048] [--rounds 3] [--recall] [--embedder DIR] [--json]

All sides embed the same texts in turns, in one process: the chunks of an ingested corpus with --domain (as they are
embedded at ingestion, headings before the text), else generated ones of like lengths. The roofline is what matrix
products alone would allow, measured here: PyTorch's on the shapes of the model's layers, on all cores, in float32,
bfloat16 and eight-bit integers. Start-up is a process of its own, from its start to the first vector.
--recall embeds the whole corpus in float32 and with Graft, and compares what up to 300 training questions find.
"""

import argparse
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from core.settings import load_settings
from core.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = 300
DEPTH = 10
Embed = Callable[[list[str]], np.ndarray]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", help="embed the chunks of this domain's index")
    parser.add_argument("--workspace", type=Path, default=Path(".graft"))
    parser.add_argument("--embedder", default="packaged", help="a sentence-transformers folder")
    parser.add_argument("--texts", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recall", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.recall and not arguments.domain:
        parser.error("--recall needs --domain")

    from graft.models import prepare_embedder

    settings = load_settings({"models.embedder": arguments.embedder})
    folder = Path(prepare_embedder(settings.models, say))
    chunks = corpus_chunks(arguments.workspace, arguments.domain) if arguments.domain else generated(arguments.texts)
    texts = [text for _, text in random.Random(1).sample(chunks, min(arguments.texts, len(chunks)))]

    sides = engines(folder)
    tokens = sum(count_tokens(folder, texts))
    result: dict[str, Any] = {"texts": len(texts), "tokens": tokens, "roofline": roofline(folder)}
    result["sides"] = throughput(sides, texts, tokens, arguments.rounds, result["roofline"])
    result["sides"]["graft"] |= latency(sides["graft"], texts)
    for name, seconds in first_vectors(folder).items():
        result["sides"].setdefault(name, {})["seconds to first vector"] = seconds
    if arguments.recall:
        result["recall"] = compare_recall(sides, chunks, arguments)
    for name, values in {**result["sides"], **result.get("recall", {})}.items():
        say(f"{name:28s} " + "  ".join(f"{key} {value:.5g}" for key, value in values.items()))
    say(f"roofline {result['roofline']}")
    if arguments.json:
        print(json.dumps(result))


def say(*words: object) -> None:
    """A line for people."""
    print(*words, file=sys.stderr, flush=True)


# Texts ---------------------------------------------------------------------------------------------------------------


def corpus_chunks(folder: Path, domain: str) -> list[tuple[str, str]]:
    """Source and embedded text of every chunk of a domain's index."""
    manifest = Workspace.open(folder).corpus(domain) / "manifest.sqlite"
    if not manifest.is_file():
        raise SystemExit(f"bench_embed: error: no index of {domain} in {folder}; run graft ingest --domain {domain}")
    with closing(sqlite3.connect(f"file:{manifest}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT source, headings, text FROM chunks ORDER BY number").fetchall()
    return [(source, f"{' > '.join(json.loads(headings))}\n{text}") for source, headings, text in rows]


def generated(count: int) -> list[tuple[str, str]]:
    """Texts of 30 to 110 words of a made-up vocabulary, which is 50 to 180 tokens."""
    rng = random.Random(3)
    syllables = ("ba", "con", "der", "fil", "gra", "im", "lo", "mur", "ne", "pol", "ren", "sta", "tive", "ver", "zu")
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 3))) for _ in range(4000)]
    return [("", " ".join(rng.choices(words, k=rng.randint(30, 110)))) for _ in range(count)]


def count_tokens(folder: Path, texts: Sequence[str]) -> list[int]:
    """Tokens that the model reads of each text."""
    from retriever.model_folder import read_model_folder
    from retriever.tokens import open_tokenizer

    encoded = open_tokenizer(read_model_folder(folder), truncated=True).encode_batch_fast(list(texts))
    return [len(one.ids) for one in encoded]


# Sides ---------------------------------------------------------------------------------------------------------------


def engines(folder: Path) -> dict[str, Embed]:
    """What is compared, each ready to run."""
    from retriever.embedder import load_embedder

    graft = load_embedder(folder)
    graft.load()
    say(f"graft runs {type(graft._engine).__name__}")  # noqa: SLF001
    return {
        "sentence-transformers fp32": stock(folder, "float32"),
        "sentence-transformers bf16": stock(folder, "bfloat16"),
        "graft": lambda texts: np.asarray(graft.embed_documents(texts), dtype=np.float32),
    }


def stock(folder: Path, precision: str) -> Embed:
    """Sentence-transformers with its own settings, in one precision, on the CPU."""
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": getattr(torch, precision)})

    def embed(texts: list[str]) -> np.ndarray:
        found = np.asarray(model.encode_document(texts, show_progress_bar=False), dtype=np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    return embed


def throughput(
    sides: dict[str, Embed], texts: list[str], tokens: int, rounds: int, peaks: dict[str, float]
) -> dict[str, dict[str, float]]:
    """Chunks and tokens a second (the middle of the rounds), and how far the vectors are from float32."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    vectors: dict[str, np.ndarray] = {}
    for embed in sides.values():
        embed(texts[:64])
    for _ in range(rounds):
        for name, embed in sides.items():
            started = time.perf_counter()
            vectors[name] = embed(texts)
            seconds[name].append(time.perf_counter() - started)
    exact = vectors["sentence-transformers fp32"]
    result = {}
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        cosines = (vectors[name] * exact).sum(axis=1)
        precision = {"sentence-transformers fp32": "fp32", "sentence-transformers bf16": "bf16"}.get(name, "int8")
        result[name] = {
            "chunks/s": len(texts) / middle,
            "slowest": len(texts) / max(taken),
            "fastest": len(texts) / min(taken),
            "tokens/s": tokens / middle,
            f"share of {precision} roofline": tokens / middle / peaks[f"{precision} tokens/s"],
            "cosine mean": float(cosines.mean()),
            "cosine 1%": float(np.quantile(cosines, 0.01)),
            "cosine min": float(cosines.min()),
        }
    return result


def latency(embed: Embed, texts: list[str]) -> dict[str, float]:
    """Milliseconds of one short question: alone, and with four threads asking at once."""
    questions = [" ".join(text.split()[:9]) for text in texts[:200]]

    def ask(question: str) -> float:
        started = time.perf_counter()
        embed([question])
        return 1000 * (time.perf_counter() - started)

    alone = [ask(question) for question in questions]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ask, questions))
    return {
        "question ms": statistics.median(alone),
        "question ms p95": float(np.quantile(alone, 0.95)),
        "question ms, 4 threads": statistics.median(together),
    }


# Roofline ------------------------------------------------------------------------------------------------------------


def roofline(folder: Path) -> dict[str, float]:
    """Tokens a second that the model's matrix products with weights alone would allow, by precision."""
    import torch

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    shapes = [(hidden, 3 * hidden), (hidden, hidden), (hidden, inner), (inner, hidden)]
    rows = 2048
    multiply: dict[str, Callable[[Any, Any], Any]] = {"fp32": torch.mm, "bf16": torch.mm, "int8": torch._int_mm}  # noqa: SLF001
    kinds = {"fp32": torch.float32, "bf16": torch.bfloat16, "int8": torch.int8}
    result: dict[str, float] = {}
    for name, kind in kinds.items():
        seconds = 0.0
        for inputs, outputs in shapes:
            left = torch.randint(-9, 9, (rows, inputs)).to(kind)
            right = torch.randint(-9, 9, (outputs, inputs)).to(kind).t()
            seconds += fastest(lambda left=left, right=right, name=name: multiply[name](left, right))
        operations = sum(2 * rows * inputs * outputs for inputs, outputs in shapes)
        result[f"{name} GOP/s"] = round(operations / seconds / 1e9, 1)
        result[f"{name} tokens/s"] = round(rows / seconds / layers, 1)
    return result


def fastest(run: Callable[[], object]) -> float:
    """Seconds of the quickest of several runs."""
    times = []
    for _ in range(25):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


# Start-up ------------------------------------------------------------------------------------------------------------


def first_vectors(folder: Path) -> dict[str, float]:
    """Seconds from the start of a process to its first vector; the second time, with everything in the page cache."""
    graft = f"from retriever.embedder import load_embedder; load_embedder({str(folder)!r}).embed_query('a question')"
    count = f"from retriever.embedder import load_embedder; e = load_embedder({str(folder)!r}); e.count_many(['a'])"
    stock_code = (
        "from sentence_transformers import SentenceTransformer as S; "
        f"S({str(folder)!r}, device='cpu').encode('a question')"
    )
    found = {"sentence-transformers fp32": startup(stock_code), "graft": startup(graft)}
    found["graft, fingerprint and counts only"] = startup(count)
    with tempfile.TemporaryDirectory() as cache:
        found["graft, first time on a machine"] = startup(graft, times=1, NUMBA_CACHE_DIR=cache)
    return found


def startup(code: str, times: int = 3, **environment: str) -> float:
    """Seconds that a Python process takes for `code`, at best."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, env={**os.environ, **environment}
        )
        taken.append(time.perf_counter() - started)
    return min(taken)


# Recall --------------------------------------------------------------------------------------------------------------


def compare_recall(
    sides: dict[str, Embed], chunks: list[tuple[str, str]], arguments: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Evidence among each question's nearest chunks with either side, and how far both name the same chunks."""
    from bench.evidence import distinct
    from core.examples import read_examples
    from graft.build import open_pack

    pack = open_pack(arguments.domain, Workspace.open(arguments.workspace))
    examples = random.Random(2).sample(found := distinct(read_examples(pack.train_file)), min(QUESTIONS, len(found)))
    questions = [example.question for example in examples]
    nearest, result = {}, {}
    for name in ("sentence-transformers fp32", "graft"):
        documents = sides[name]([text for _, text in chunks])
        scores = sides[name](questions) @ documents.T
        nearest[name] = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
        result[f"recall, {name}"] = {
            f"evidence in top {k}": float(
                np.mean([holds(e, chunks, row[:k]) for e, row in zip(examples, nearest[name], strict=True)])
            )
            for k in (1, 5, DEPTH)
        }
    pairs = list(zip(*nearest.values(), strict=True))
    result["agreement"] = {
        f"same chunks in top {DEPTH}": float(np.mean([len(set(a) & set(b)) / DEPTH for a, b in pairs])),
        "same first chunk": float(np.mean([a[0] == b[0] for a, b in pairs])),
    }
    return result


def holds(example: Any, chunks: list[tuple[str, str]], rows: np.ndarray) -> bool:
    """Whether every quote of an example stands in one of these chunks."""
    found = [(chunks[row][0], " ".join(chunks[row][1].split())) for row in rows]
    return all(
        any(source == evidence.source and " ".join(evidence.quote.split()) in text for source, text in found)
        for evidence in example.evidence
    )


if __name__ == "__main__":
    main()
