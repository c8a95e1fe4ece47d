"""The plain LangChain pipeline that Graft's ingestion is measured against: a process of its own, one JSON line out.

UnstructuredLoader, RecursiveCharacterTextSplitter 1000/200, HuggingFaceEmbeddings in fp32, Chroma.from_documents, as
their documentation shows them. Usage: python bench/langchain_ingest.py CORPUS MODEL CHROMA [EXAMPLES LLM]

With EXAMPLES (a JSONL file) and LLM (a folder with tokenizer.json), it also answers: the share of examples whose
evidence stands in the nearest four pieces within 1,000 tokens.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

STARTED = time.perf_counter()


def main(corpus: Path, model: str, chroma: Path, examples: Path | None = None, llm: Path | None = None) -> None:
    """Index `corpus` and print what it took."""
    from ingest.offline import make_offline

    # Without it, unstructured downloads a sentence splitter first, or fails.
    make_offline()
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from langchain_unstructured import UnstructuredLoader

    marks = {"imports": time.perf_counter() - STARTED}
    documents = []
    for path in sorted(p for p in corpus.rglob("*") if p.is_file()):
        # One piece of text per file; by elements, the splitter would have nothing to join.
        loaded = UnstructuredLoader(str(path), chunking_strategy="basic", max_characters=10**8).load()
        source = path.relative_to(corpus).as_posix()
        documents += [Document(page_content=d.page_content, metadata={"source": source}) for d in loaded]
    marks["parsed"] = time.perf_counter() - STARTED
    pieces = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(documents)
    embeddings = HuggingFaceEmbeddings(model_name=model, model_kwargs={"device": "cpu"})
    store = Chroma.from_documents(pieces, embeddings, persist_directory=str(chroma))
    seconds = time.perf_counter() - STARTED
    result = {"seconds": seconds, **marks, "files": len(documents), "chunks": len(pieces)}
    if examples is not None and llm is not None:
        result["recall"] = _recall(store, examples, llm)
    print(json.dumps(result))


def _recall(store: "object", path: Path, llm: Path) -> float:
    from bench.evidence import evidence_recall
    from core.examples import read_examples
    from graft.build import token_counter

    search = lambda question: store.similarity_search(question, k=4)  # type: ignore[attr-defined]  # noqa: E731
    return evidence_recall(search, read_examples(path), token_counter(llm), k=4, budget=1000)


if __name__ == "__main__":
    main(*[argument if number == 1 else Path(argument) for number, argument in enumerate(sys.argv[1:])])  # type: ignore[arg-type]
