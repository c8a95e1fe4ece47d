"""The plain LangChain pipeline as a search: a process of its own, one JSON line for each question.

Usage: python bench/langchain_search.py CORPUS MODEL FOLDER QUESTIONS   (QUESTIONS: one JSON text a line)

The index is that of bench/langchain_ingest.py, made in FOLDER on the first run and kept there. Ten pieces are found
for the ranking figures; the pipeline's default are the first four.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.langchain_ingest import build, open_store

DEPTH = 10


def main(corpus: Path, model: str, folder: Path, questions: Path) -> None:
    """Index `corpus` if that was not done yet, then answer."""
    done = folder / "done.txt"
    if not done.exists():
        build(corpus, model, folder / "chroma", {})
        done.write_text("")
    store = open_store(model, folder / "chroma")
    store.similarity_search("warm up", k=DEPTH)
    for line in questions.read_text(encoding="utf-8").splitlines():
        started = time.perf_counter()
        store.similarity_search(json.loads(line), k=4)
        seconds = time.perf_counter() - started
        found = store.similarity_search(json.loads(line), k=DEPTH)
        pieces = [{"text": d.page_content, "source": d.metadata["source"]} for d in found]
        print(json.dumps({"pieces": pieces, "ms": 1000 * seconds}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
