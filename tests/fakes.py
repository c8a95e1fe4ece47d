"""A served domain without engines: the real chat pipeline over a scripted model and an in-memory retriever.

For the tests of the page.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from core.answer_text import fold
from core.chat import ChatPipeline, Event, Question
from core.corpus_desk import (
    ChunkRow,
    CorpusRow,
    DocumentPage,
    DocumentRow,
    DocumentState,
    ExplainedHit,
    FileState,
    FolderRow,
    Progress,
)
from core.errors import GraftError, RequestError
from core.pack import DomainPack, load_pack
from core.passages import to_passage
from core.service import AdapterInfo, CorpusInfo, PartStatus, ServiceStatus, TrainingStatus
from core.settings import GenerateSettings
from core.types import Answer, Passage
from core.without_model import or_passages

XSS = '<img src=x onerror="window.__pwned=1"><script>window.__pwned=1</script> ${window.__pwned=1} {{ constructor }}'
QUINCE = "Prune quince in February, before growth starts. It wants full sun. Remove no more than a quarter of the wood."

DOMAIN = """
name: garden
title: Garden centre
description: Plant care from the leaflets of a garden centre.
persona: You are the garden centre's plant adviser. Friendly, exact, brief.
corpus: [corpus/]
refusal: I cannot find this in the leaflets.
sample_questions:
  - When do I prune a quince?
  - How much sun does sage want?
  - Which plants grow in shade?
defaults: {arm: hybrid, format: text, k: 5}
"""
CARE = {
    "type": "object",
    "title": "Plant care",
    "properties": {"plant": {"type": "string"}, "prune": {"type": "string"}, "sun": {"type": "boolean"}},
    "required": ["plant", "prune", "sun"],
    "additionalProperties": False,
}
DOCUMENTS = [
    ("shrubs/quince.md", "Shrubs > Quince > Pruning", QUINCE),
    ("herbs/sage.md", "Herbs > Sage", "Sage wants full sun and dry soil. Prune sage after flowering, not in winter."),
    ("shrubs/hydrangea.md", "Shrubs > Hydrangea", "Leaflet HY-311. Prune hydrangea in March; leave two pairs of buds."),
    ("herbs/woodruff.md", "Herbs > Woodruff", "Woodruff grows in shade under trees and spreads by runners."),
    ("hostile/payload.md", XSS, f"The poisoned passage says: {XSS} ![spy](https://example.invalid/a.png) and no more."),
]


def write_pack(folder: Path, about: str = DOMAIN) -> DomainPack:
    """Write a pack into `folder` and load it: the garden, or what `about` makes of it as its domain.yaml."""
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    (folder / "schemas").mkdir(exist_ok=True)
    (folder / "domain.yaml").write_text(about, encoding="utf-8")
    (folder / "schemas" / "care.json").write_text(json.dumps(CARE), encoding="utf-8")
    return load_pack(str(folder), folder / "none", folder / "none")


class ScriptedModel(BaseChatModel):
    """A chat model that writes what `script(messages)` says, word by word, `delay` seconds apart."""

    script: Callable[[Sequence[BaseMessage]], str]
    delay: float = 0.0
    log: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.script(messages)))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        text = self.script(messages)
        self.log.append("started")
        pieces = text.split(" ")
        try:
            for number, piece in enumerate(pieces):
                await asyncio.sleep(self.delay)
                yield _chunk(piece if number == 0 else f" {piece}")
            usage = {"input_tokens": 812, "output_tokens": len(pieces), "total_tokens": 812 + len(pieces)}
            yield _chunk("", usage_metadata=usage, response_metadata={"finish_reason": "stop"})
            self.log.append("finished")
        except (asyncio.CancelledError, GeneratorExit):
            self.log.append("cancelled")
            raise


class WordRetriever(BaseRetriever):
    """Documents that share words with the query, best first."""

    documents: list[tuple[str, str, str]]
    k: int = 5

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        wanted = {word for word in fold(query).split() if len(word) > 3}
        scored = []
        for source, locator, text in self.documents:
            score = len(wanted & set(fold(text).split()))
            if score:
                scored.append(
                    Document(page_content=text, metadata={"source": source, "locator": locator, "score": score})
                )
        return sorted(scored, key=lambda document: -document.metadata["score"])[: self.k]


def garden_script(messages: Sequence[BaseMessage]) -> str:
    """Answers of the garden pack, by what the system message asks for and the question holds."""
    system, user = messages[0].text, messages[-1].text
    question = user.rpartition("Question: ")[2]
    grounded = "[1]" in user
    mark = " [1]" if grounded else ""
    cite = "1" if grounded else ""
    care = {"plant": "quince", "prune": "February", "sun": True}
    if "Write only JSON" in system:
        answer = {"plant": 7} if "wrong" in question else care
        return json.dumps({"citations": [1] if grounded else [], "answer": answer})
    if "Write only YAML" in system:
        return f'citations: [{cite}]\nanswer:\n  plant: "quince"\n  prune: "February"\n  sun: true'
    if "poison" in question:
        return f"The passage says {XSS} and ![spy](https://example.invalid/b.png){mark}"
    if "endless" in question:
        return " ".join(f"word{number}" for number in range(2000))
    if "Answer in Markdown" in system:
        return (
            f"## Quince\n\nPrune it in **February**, before growth starts{mark}.\n\n| plant | when |\n|---|---|\n"
            "| quince | February |\n\n```python\nprune(quince, month=2)\n```\n\n- full sun\n- at most `1/4` of the wood"
        )
    if "shade" in question:
        return f"Woodruff grows in shade under trees.{mark}"
    return f"Prune quince in February, before growth starts; __never__ in *winter*.{mark}"


class FakeService:
    """DomainService over the real pipeline. Its state is public, for tests to change while the page is open."""

    def __init__(self, folder: Path, about: str = DOMAIN) -> None:
        self.pack = write_pack(folder, about)
        self.model = ScriptedModel(script=garden_script)
        self.retriever = WordRetriever(documents=DOCUMENTS)
        self.pipeline = ChatPipeline(
            pack=self.pack,
            model_for=lambda _name: self.model,
            base_model="base",
            active_adapter=lambda: self.state.adapter,
            count_tokens=lambda text: len(text.split()),
            generate=GenerateSettings(),
            retriever=self.retriever,
        )
        self.reset()

    def reset(self) -> None:
        """Be as new: ready, without an adapter, quick, and with nothing asked."""
        self.model.delay = 0.0
        self.log = self.model.log = []
        self.state = ServiceStatus(
            domain=self.pack.name,
            model=PartStatus(state="ready"),
            corpus=PartStatus(state="ready", detail="5 passages"),
        )
        self.published: list[AdapterInfo] = []
        self.error: Exception | None = None
        self.asked: list[Question] = []
        self.asked_corpora: list[str | None] = []

    def publish(self, name: str = "garden@3f9c2a1b") -> None:
        """Let an adapter join, as when training is done."""
        self.published = [AdapterInfo(name=name, active=True, created="2026-11-23T10:00:00Z", examples=443)]
        self.state = self.state.model_copy(
            update={"adapter": name, "training": TrainingStatus(state="done", progress=1)}
        )

    def slow(self, delay: float) -> None:
        """Let the model take `delay` seconds for each word, from the next question on."""
        self.model.delay = delay

    def wait_for(self, entry: str, seconds: float = 60.0) -> bool:
        """Whether the model's log holds `entry` within `seconds`."""
        deadline = time.monotonic() + seconds
        while entry not in self.log and time.monotonic() < deadline:
            time.sleep(0.02)
        return entry in self.log

    async def stream(self, question: Question, corpus: str | None = None) -> AsyncIterator[Event]:
        self.asked.append(question)
        self.asked_corpora.append(corpus)
        if self.error is not None:
            raise self.error
        async for event in or_passages(self.pipeline.stream(question), question):
            yield event

    async def answer(self, question: Question, corpus: str | None = None) -> Answer:
        return await self.pipeline.answer(question)

    async def search(self, text: str, k: int, corpus: str | None = None, where=None) -> list[Passage]:
        found = await self.retriever.ainvoke(text)
        return [to_passage(document, number) for number, document in enumerate(found[:k], start=1)]

    async def fingerprint(self) -> str:
        return "scripted"

    def status(self) -> ServiceStatus:
        return self.state

    def adapters(self) -> list[AdapterInfo]:
        return self.published

    def corpora(self) -> list[CorpusInfo]:
        return [CorpusInfo(name=self.pack.name, chunks=5, documents=5), CorpusInfo(name="trees", chunks=9, documents=2)]

    async def activate(self, adapter: str, *, unchecked: bool = False) -> None:
        self.published = [info.model_copy(update={"active": info.name == adapter}) for info in self.published]
        self.state = self.state.model_copy(update={"adapter": adapter})

    def lend(self, adapter: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def ingest(
        self, on_progress: Callable[[str, float], None], *, reembed: bool = False, allow_mass_deletion: bool = False
    ) -> dict[str, Any]:
        raise NotImplementedError


class FakeDesk:
    """CorpusDesk over names in memory: files named `*.exe` are rejected, and work takes two steps."""

    def __init__(self, corpus: str = "garden", *, empty: bool = False) -> None:
        self.corpus, self.max_file_bytes, self._empty = corpus, 1 << 20, empty
        self.reset()

    def reset(self) -> None:
        """Be as new."""
        self.rows = {
            source: DocumentRow(source=source, state="indexed", title=locator, format="markdown", size=2048, chunks=1)
            for source, locator, _ in DOCUMENTS
        }
        self.rows["old/scan.png"] = DocumentRow(
            source="old/scan.png", state="rejected", reason=".png files hold no text that can be read", size=9_000_000
        )
        if self._empty:
            self.rows = {}
        self.watched: list[FolderRow] = []
        self.waiting: dict[str, bytes] = {}
        self.error: GraftError | None = None
        self.problems: list[str] = []
        self.pause = 0.0

    def documents(self, search: str, state: DocumentState | None, offset: int, limit: int) -> DocumentPage:
        wanted = search.casefold()
        fits = [
            row
            for _, row in sorted(self.rows.items())
            if wanted in f"{row.source} {row.title}".casefold() and state in (None, row.state)
        ]
        states = [row.state for row in self.rows.values()]
        return DocumentPage(
            rows=fits[offset : offset + limit],
            found=len(fits),
            indexed=states.count("indexed"),
            rejected=states.count("rejected"),
        )

    def chunks(self, source: str, offset: int, limit: int) -> tuple[list[ChunkRow], int]:
        texts = [(locator, text) for name, locator, text in DOCUMENTS if name == source]
        rows = [ChunkRow(locator=locator, start=0, end=len(text), text=text) for locator, text in texts]
        return rows[offset : offset + limit], len(rows)

    async def explain(self, question: str, k: int) -> list[ExplainedHit]:
        found = WordRetriever(documents=DOCUMENTS).invoke(question)
        return [
            ExplainedHit(
                source=hit.metadata["source"],
                locator=hit.metadata["locator"],
                text=hit.page_content,
                start=0,
                end=len(hit.page_content),
                score=0.9 / place,
                meaning_rank=place,
                meaning=0.5,
                names=0.25,
                line=0.75,
            )
            for place, hit in enumerate(found[:k], start=1)
        ]

    def add(self, files: Sequence[tuple[str, Path]]) -> list[str]:
        for name, path in files:
            self.waiting[f"uploads/{name}"] = path.read_bytes()
        return [f"uploads/{name}" for name, _ in files]

    def states(self, sources: Sequence[str]) -> list[FileState]:
        return [
            FileState(
                name=source.removeprefix("uploads/"),
                state=self.rows[source].state if source in self.rows else "waiting",
                reason=self.rows[source].reason if source in self.rows else "",
            )
            for source in sources
        ]

    async def sync(self, on_progress: Progress) -> None:
        await asyncio.to_thread(on_progress, "parse", 0.5)
        await asyncio.sleep(self.pause)
        if self.error is not None:
            raise self.error
        for source, content in self.waiting.items():
            bad = source.endswith(".exe")
            self.rows[source] = DocumentRow(
                source=source,
                state="rejected" if bad else "indexed",
                reason=".exe files hold no text that can be read" if bad else "",
                size=len(content),
                chunks=0 if bad else 1,
                uploaded=True,
            )
        self.waiting = {}

    async def delete(self, source: str, on_progress: Progress) -> None:
        if not self.rows[source].uploaded:
            raise RequestError(f"'{source}' did not come through this page")
        del self.rows[source]

    async def verify(self, on_progress: Progress) -> list[str]:
        return self.problems

    async def rebuild(self, on_progress: Progress) -> str:
        return "Built anew: 5 chunks of 5 documents."

    def folders(self) -> list[FolderRow]:
        return list(self.watched)

    def watch(self, folder: str) -> None:
        if not folder.startswith("/"):
            raise RequestError("type the whole path of a folder on this server, such as /home/me/documents")
        self.watched = [row for row in self.watched if row.path != folder]
        self.watched.append(FolderRow(path=folder, state="12:00:00 2 indexed"))

    def unwatch(self, folder: str) -> None:
        self.watched = [
            row.model_copy(update={"watching": False, "state": "not watched"}) if row.path == folder else row
            for row in self.watched
        ]

    async def forget(self, folder: str, on_progress: Progress) -> None:
        self.watched = [row for row in self.watched if row.path != folder]


class FakeShelf:
    """CorpusShelf: the garden's own desk, one of another domain, and those that are created."""

    def __init__(self) -> None:
        self.max_file_bytes = 1 << 20
        self.own = FakeDesk()
        self.reset()

    def reset(self) -> None:
        """Be as new."""
        self.own.reset()
        self.others = {"trees": FakeDesk("trees", empty=True)}
        self.titles: dict[str, str] = {}

    def corpora(self) -> list[CorpusRow]:
        rows = [CorpusRow(name="garden", title="Garden centre", documents=5, chunks=5, own=True)]
        for name, desk in self.others.items():
            created = name in self.titles
            title = self.titles.get(name, name)
            rows.append(CorpusRow(name=name, title=title, documents=len(desk.rows), created=created))
        return rows

    def desk(self, corpus: str) -> FakeDesk:
        found = {"garden": self.own, **self.others}.get(corpus)
        if found is None:
            raise RequestError(f"there is no collection '{corpus}' any more: choose another")
        return found

    def create(self, title: str) -> str:
        if not title.strip():
            raise RequestError("a collection needs a name: type one")
        name = title.casefold().replace(" ", "-")
        self.titles[name] = title
        self.others[name] = FakeDesk(name, empty=True)
        return name

    def remove(self, corpus: str) -> None:
        del self.others[corpus], self.titles[corpus]


def _chunk(text: str, **fields: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text, **fields))
