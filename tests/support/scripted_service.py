"""A domain service on the real chat pipeline, with a scripted model and a retriever in memory: no engine."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.retrievers import BaseRetriever
from pydantic import BaseModel

from core.chat import ChatPipeline, Event, Question
from core.errors import AdapterError, GraftError, RequestError
from core.pack import DomainPack, load_pack
from core.passages import to_passage
from core.service import AdapterInfo, CorpusInfo, PartStatus, ServiceStatus
from core.settings import GenerateSettings
from core.types import Answer, Passage
from core.without_model import or_passages

GARDEN = Path(__file__).resolve().parents[1] / "packs" / "garden"
ADAPTER = "garden@3f9c2a1b"
LEAFLETS = (
    ("shrubs/quince.md", "Quince > Pruning", "Prune quince in February. It wants full sun."),
    ("herbs/mint.md", "Mint", "Mint wants half shade and much water."),
)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere in this process; a test hangs no longer than 10 seconds on it."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  the condition may change in another thread
            await asyncio.sleep(0.001)


class Script(BaseModel):
    """What the model does, and what was seen of it. So many answers at first are `endless`, until it is `broken`.

    `silent`: it never says a word.
    """

    replies: list[str] = []
    finish_reason: str = "stop"
    endless: int = 0
    silent: bool = False
    broken: bool = False
    error: Any = None
    prompts: list[Any] = []
    options: list[dict[str, Any]] = []
    models: list[str] = []
    running: int = 0
    aborted: int = 0

    def __repr__(self) -> str:
        # LangChain writes out a model for every call: without the record of all calls before it.
        return "Script"


class ScriptedModel(GenericFakeChatModel):
    """LangChain's fake chat model, with token counts, a finish reason, and a record of what it was asked."""

    script: Script

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **options: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        script = self.script
        script.prompts.append(messages)
        script.options.append(options)
        script.running += 1
        finished = False
        try:
            if script.error is not None:
                raise script.error
            if script.silent:
                await asyncio.Event().wait()
            endless, script.endless = script.endless > 0, max(script.endless - 1, 0)
            while endless:
                if script.broken:
                    raise RuntimeError("the model broke")
                yield ChatGenerationChunk(message=AIMessageChunk(content="more "))
                await asyncio.sleep(0.001)
            for chunk in self._stream(messages, stop, None, **options):
                yield chunk
                await asyncio.sleep(0)
            last = AIMessageChunk(
                content="",
                usage_metadata={"input_tokens": 40, "output_tokens": 8, "total_tokens": 48},
                response_metadata={"finish_reason": script.finish_reason},
            )
            yield ChatGenerationChunk(message=last)
            finished = True
        finally:
            script.running -= 1
            script.aborted += not finished


class Leaflets(BaseRetriever):
    """Finds every leaflet, whatever is asked."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [
            Document(page_content=text, metadata={"source": source, "locator": locator, "score": 1.0})
            for source, locator, text in LEAFLETS
        ]


class ScriptedService:
    """Implements DomainService. `script` steers the model; `state` is what status() returns."""

    def __init__(self, *replies: str, adapter: str | None = ADAPTER, pack: DomainPack | None = None) -> None:
        self.pack = pack or load_pack(str(GARDEN), GARDEN.parent, GARDEN.parent)
        self.script = Script(replies=list(replies))
        self.state = ServiceStatus(
            domain=self.pack.name,
            model=PartStatus(state="ready"),
            corpus=PartStatus(state="ready"),
            adapter=adapter,
        )
        self.published = [adapter] if adapter else []
        self.other_corpora: list[str] = []
        self.print = "scripted"
        self.lent: list[str] = []
        self.asked_corpora: list[str | None] = []
        self.ingest_error: GraftError | None = None
        self.ingested_with: dict[str, bool] = {}
        self._replies = iter(self.script.replies)
        self.pipeline = ChatPipeline(
            pack=self.pack,
            model_for=self._model,
            base_model="base-model",
            active_adapter=lambda: self.state.adapter,
            count_tokens=lambda text: len(text.split()),
            generate=GenerateSettings(),
            retriever=Leaflets(),
        )

    def _model(self, name: str) -> ScriptedModel:
        self.script.models.append(name)
        return ScriptedModel(messages=self._replies, script=self.script)  # type: ignore[arg-type]

    async def stream(self, question: Question, corpus: str | None = None) -> AsyncGenerator[Event, None]:
        self.asked_corpora.append(corpus)
        if not set((corpus or self.pack.name).split("+")) <= {info.name for info in self.corpora()}:
            raise RequestError(f"no corpus '{corpus}' in this workspace: it has {self.pack.name}")
        async for event in or_passages(self.pipeline.stream(question), question):
            yield event

    async def answer(self, question: Question, corpus: str | None = None) -> Answer:
        return await self.pipeline.answer(question)

    async def search(self, text: str, k: int, corpus: str | None = None, where=None) -> list[Passage]:
        documents = await Leaflets().ainvoke(text)
        return [to_passage(document, n) for n, document in enumerate(documents[:k], start=1)]

    async def fingerprint(self) -> str:
        return self.print

    def status(self) -> ServiceStatus:
        return self.state

    def adapters(self) -> list[AdapterInfo]:
        return [
            AdapterInfo(name=name, active=name == self.state.adapter, created="2026-01-02T03:04:05+00:00")
            for name in self.published
        ]

    def corpora(self) -> list[CorpusInfo]:
        names = (self.pack.name, *self.other_corpora)
        return [CorpusInfo(name=name, chunks=12, documents=11) for name in names]

    async def activate(self, adapter: str, *, unchecked: bool = False) -> None:
        if adapter not in self.published:
            raise AdapterError(f"no adapter '{adapter}': it has {', '.join(self.published)}")
        self.state.adapter = adapter

    @asynccontextmanager
    async def lend(self, adapter: str) -> AsyncIterator[None]:
        if adapter not in self.published:
            raise AdapterError(f"no adapter '{adapter}'")
        self.lent.append(adapter)
        try:
            yield
        finally:
            self.lent.remove(adapter)

    async def ingest(
        self, on_progress: Callable[[str, float], None], *, reembed: bool = False, allow_mass_deletion: bool = False
    ) -> dict[str, Any]:
        await asyncio.to_thread(on_progress, "embedding", 0.5)
        self.ingested_with = {"reembed": reembed, "allow_mass_deletion": allow_mass_deletion}
        if self.ingest_error is not None:
            raise self.ingest_error
        return {"indexed": 1, "chunks": 2}
