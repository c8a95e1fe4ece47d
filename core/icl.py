"""Choosing worked examples for in-context learning: the nearest training questions of the same format and schema.

Nearest by LangChain's in-memory vector store over the embedder of the workspace. Never sees a test example.
"""

from collections.abc import Collection, Iterable

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore

from core.types import Example, Format


class ExampleSelector:
    """Selects worked examples from training examples. The index is built at the first question, in memory."""

    def __init__(self, examples: Iterable[Example], embeddings: Embeddings) -> None:
        self._examples = {example.id: example for example in examples}
        self._embeddings = embeddings
        self._store: InMemoryVectorStore | None = None

    def select(self, question: str, format: Format, schema: str | None, count: int) -> list[Example]:
        """The `count` nearest examples, nearest last (it stands next to the question)."""
        if not self._examples or count < 1:
            return []

        def fits(document: Document) -> bool:
            example = self._examples.get(document.metadata["id"])
            return example is not None and example.format == format and schema in (None, example.schema_name)

        found = self._index().similarity_search(question, k=count, filter=fits)
        return [self._examples[document.metadata["id"]] for document in reversed(found)]

    def without(self, records: Collection[str]) -> "ExampleSelector":
        """The same selector, blind to examples of `records`; it shares the index."""
        seeing = ExampleSelector((e for e in self._examples.values() if e.record not in records), self._embeddings)
        seeing._store = self._index()
        return seeing

    def _index(self) -> InMemoryVectorStore:
        if self._store is None:
            store = InMemoryVectorStore(self._embeddings)
            store.add_documents(
                [Document(page_content=e.question, metadata={"id": e.id}, id=e.id) for e in self._examples.values()]
            )
            self._store = store
        return self._store
