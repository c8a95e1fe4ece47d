"""Ingestion against the plain LangChain pipeline, side by side in one run: first index, re-runs, memory as it grows.

Usage: python bench/bench_ingest.py [--domain django] [--rounds 3] [--skip langchain,rerun,memory] [--json]

Every figure is a whole process, from its start to its end: interpreter, imports, model, parsing, embedding, index.
The LangChain side is bench/langchain_ingest.py with the packages of bench/requirements.txt, installed (without their
dependencies, which are here already) into the workspace on the first run. Recall is that of up to 400 training
questions within 1,000 tokens: top 4 there, top 5 here, words compared so that stripped markup does not count.
Peak memory is the proportional set size of the process and its children, sampled twice a second.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.evidence import distinct, evidence_recall
from core.examples import read_examples
from core.settings import load_settings
from core.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
CHANGED_SHARE = 0.01
QUESTIONS = 400
_PACK = """\
name: bench
persona: You answer from the documents.
corpus: [corpus/]
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", default="django")
    parser.add_argument("--workspace", type=Path, default=Path(".graft"))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--skip", default="", help="parts to leave out: langchain, rerun, memory")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    skip = set(filter(None, arguments.skip.split(",")))

    from graft.build import open_pack
    from graft.models import prepare_models

    workspace = Workspace.open(arguments.workspace)
    models = prepare_models(load_settings().models, workspace, say)
    pack = open_pack(arguments.domain, workspace)
    if pack.file.prepare and not pack.is_prepared:
        sys.exit(f"bench: run graft prepare --domain {pack.name} first")
    corpus = pack.corpus_paths[0]
    with tempfile.TemporaryDirectory(prefix="graft-bench-", dir=workspace.root) as folder:
        bench = Bench(Path(folder), workspace, models.embedder, models.llm)
        questions = bench.write_questions(read_examples(pack.train_file))
        result: dict[str, Any] = {"files": count_files(corpus), "load": os.getloadavg()[0]}
        graft, langchain = [], []
        for number in range(arguments.rounds):
            if "langchain" not in skip:
                langchain.append(bench.langchain(corpus, questions if number == 0 else None))
            graft.append(bench.first(corpus, f"graft-{number}"))
        result["graft"] = {**graft[0], "seconds": statistics.median(run["seconds"] for run in graft)}
        result["graft"]["recall"] = bench.recall("graft-0", questions)
        if langchain:
            result["langchain"] = {**langchain[0], "seconds": statistics.median(r["seconds"] for r in langchain)}
            result["ratio"] = result["langchain"]["seconds"] / result["graft"]["seconds"]
        if "rerun" not in skip:
            result["unchanged"] = bench.again("graft-0")
            result["changed"] = bench.changed("graft-0")
        if "memory" not in skip:
            result["four_times"] = bench.first(bench.multiply(corpus, 4), "graft-four")
    for line in table(result):
        say(line)
    if arguments.json:
        print(json.dumps(result))


class Bench:
    """Packs and workspaces of one run, below `folder`."""

    def __init__(self, folder: Path, workspace: Workspace, embedder: Path, llm: Path) -> None:
        self.folder, self.workspace, self.embedder, self.llm = folder, workspace, embedder, llm

    def write_questions(self, examples: Sequence[Any]) -> Path:
        """A sample of training questions as a file that both sides read."""
        asked = distinct(examples)
        chosen = random.Random(5).sample(asked, min(QUESTIONS, len(asked)))
        path = self.folder / "questions.jsonl"
        lines = [example.model_dump_json(by_alias=True) + "\n" for example in chosen]
        path.write_text("".join(lines), encoding="utf-8")
        return path

    def langchain(self, corpus: Path, questions: Path | None) -> dict[str, Any]:
        """One run of the LangChain pipeline into a fresh Chroma."""
        chroma = self.folder / "chroma"
        shutil.rmtree(chroma, ignore_errors=True)
        arguments = [str(corpus), str(self.embedder), str(chroma)]
        if questions:
            arguments += [str(questions), str(self.llm)]
        say("langchain: first index")
        run = measure([sys.executable, str(ROOT / "bench" / "langchain_ingest.py"), *arguments], self._packages())
        # Asking is not part of it.
        return {**run, **run["output"], "memory_mib": run["memory_mib"]}

    def first(self, corpus: Path, name: str) -> dict[str, Any]:
        """One first ingestion by `graft ingest`, into a fresh workspace that has the models already."""
        pack = self.folder / name
        shutil.copytree(corpus, pack / "corpus")
        (pack / "domain.yaml").write_text(_PACK, encoding="utf-8")
        home = pack / "workspace"
        home.mkdir()
        (home / "models").symlink_to(self.workspace.models.resolve())
        say(f"graft: first index of {count_files(pack / 'corpus')} files")
        return self.again(name)

    def again(self, name: str) -> dict[str, Any]:
        """`graft ingest` of a pack as it stands."""
        pack = self.folder / name
        command = [sys.executable, "-m", "graft.cli", "ingest", "--domain", str(pack), "--json"]
        run = measure(command, {"GRAFT_WORKSPACE": str(pack / "workspace")})
        output = run.pop("output")
        counts = {key: output[key] for key in ("indexed", "updated", "skipped", "chunks", "embedded")}
        return {**run, **counts, "rejected": len(output["rejected"])}

    def changed(self, name: str) -> dict[str, Any]:
        """`graft ingest` after one file in a hundred has got a new paragraph."""
        files = sorted(p for p in (self.folder / name / "corpus").rglob("*") if p.is_file())
        for path in random.Random(3).sample(files, max(1, round(CHANGED_SHARE * len(files)))):
            path.write_text(path.read_text(encoding="utf-8") + f"\n\nAdded to {path.stem}.\n", encoding="utf-8")
        return self.again(name)

    def multiply(self, corpus: Path, times: int) -> Path:
        """The corpus several times over; a word at the start of each line keeps the copies from sharing vectors."""
        target = self.folder / "multiplied"
        for path in (p for p in corpus.rglob("*") if p.is_file()):
            text = path.read_text(encoding="utf-8")
            for copy in range(times):
                place = target / str(copy) / path.relative_to(corpus)
                place.parent.mkdir(parents=True, exist_ok=True)
                salted = "\n".join(f"{line} copy{copy}" if len(line) > 40 else line for line in text.split("\n"))
                place.write_text(salted, encoding="utf-8")
        return target

    def recall(self, name: str, questions: Path) -> float:
        """Evidence recall of what Graft indexed, with the settings that it serves with."""
        from graft.build import load_embeddings, token_counter
        from retriever.hybrid import open_retriever

        settings = load_settings()
        home = Workspace(self.folder / name / "workspace")
        embeddings = load_embeddings(settings, self.embedder)
        retriever = open_retriever(home.corpus("bench"), embeddings, settings.retrieve)
        search = lambda question: retriever.search(question, 5)  # noqa: E731
        return evidence_recall(search, read_examples(questions), token_counter(self.llm), k=5, budget=1000)

    def _packages(self) -> dict[str, str]:
        """Environment with the baseline's packages, installed once beside the workspace."""
        target = self.workspace.root / "bench" / "langchain"
        wanted = ROOT / "bench" / "requirements.txt"
        stamp = target / "installed.txt"
        if not stamp.exists() or stamp.read_text() != wanted.read_text():
            say("installing the baseline's packages")
            uv = Path(sys.executable).parent / "uv"
            command = [str(uv), "pip", "install", "--quiet", "--no-deps", "--target", str(target), "-r", str(wanted)]
            subprocess.run(command, check=True)
            stamp.write_text(wanted.read_text())
        return {"PYTHONPATH": str(target)}


def measure(command: Sequence[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run a process that prints JSON; seconds of wall time, peak MiB of it and its children, and what it printed."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **environment}
    )
    peak = PeakMemory(process.pid)
    output, errors = process.communicate()
    seconds = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"bench: {' '.join(command[:4])} failed:\n{errors[-2000:]}")
    return {"seconds": round(seconds, 2), "memory_mib": peak.stop(), "output": json.loads(output[output.index("{") :])}


class PeakMemory:
    """Samples a process and its children until stopped."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._over = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """MiB at the highest sample."""
        self._over.set()
        self._thread.join()
        return self._peak >> 20

    def _follow(self) -> None:
        import psutil

        while not self._over.wait(0.5):
            used = 0
            try:
                top = psutil.Process(self._pid)
                for process in [top, *top.children(recursive=True)]:
                    used += process.memory_full_info().pss
            except (psutil.Error, OSError):
                continue
            self._peak = max(self._peak, used)


def count_files(corpus: Path) -> int:
    """Regular files below a folder."""
    return sum(path.is_file() for path in corpus.rglob("*"))


def table(result: dict[str, Any]) -> list[str]:
    """The figures as lines for people."""
    lines = [f"load before the run {result['load']:.2f}; {result['files']} files"]
    names: dict[str, Callable[[dict[str, Any]], str]] = {
        "langchain": lambda run: f"recall {run.get('recall', 0):.3f}",
        "graft": lambda run: f"recall {run['recall']:.3f}",
        "unchanged": lambda run: f"{result['graft']['seconds'] / run['seconds']:.0f} times as fast as the first",
        "changed": lambda run: f"{result['graft']['seconds'] / run['seconds']:.0f} times as fast as the first",
        "four_times": lambda run: f"{run['memory_mib'] / result['graft']['memory_mib']:.2f} times the memory",
    }
    for name, remark in names.items():
        if name in result:
            run = result[name]
            figures = f"{run['seconds']:8.1f} s {run['memory_mib']:6d} MiB {run['chunks']:7d} chunks"
            lines.append(f"{name:12s} {figures}  {remark(run)}")
    if "ratio" in result:
        lines.append(f"graft is {result['ratio']:.2f} times as fast as the LangChain pipeline")
    return lines


def say(*words: object) -> None:
    """A line on stderr."""
    print(*words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
