"""A domain served by this process: documents, adapters, training. Implements core.service.DomainService.

What domains share stands in the engine. Each part starts by its own method, so that a command starts only what it
needs. Every method can run again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.activity import answering
from core.chat import ChatPipeline, Event, Question
from core.errors import GraftError, RequestError, ServeError
from core.expendable import in_expendable_thread
from core.files import sha256_json
from core.icl import ExampleSelector
from core.index import index_fingerprint
from core.pack import DomainPack
from core.passages import to_passage
from core.service import AdapterInfo, CorpusInfo, PartStatus, ServiceStatus, TrainingStatus, corpus_names
from core.settings import Settings
from core.types import Answer, Example, Passage
from core.without_model import or_passages
from core.workspace import Workspace
from finetune.adapters import AdapterStore
from graft import build
from graft.engine import Engine
from graft.indexing import DomainIndex
from graft.whole_models import WholeModels

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel

    from finetune.parity import Parity
    from graft.models import PreparedModels
    from retriever.hybrid import HybridRetriever
    from retriever.searching import Reranker
    from serve.vllm_process import ExternalVllm, VllmProcess

Say = Callable[[str], None]
IndexProgress = Callable[[str, int, int], None]


@dataclass
class DomainState:
    """What is a domain's own of its status; the model's state is the engine's. `adapter` is the active one.

    `loading`: the one that will be, as soon as the model runs.
    """

    corpus: PartStatus
    training: TrainingStatus
    adapter: str | None = None
    loading: str | None = None


class LocalService:
    """One domain in this process. Call `prepare` first, then `open_index` and `start_model` as needed, `close` last.

    With an `engine` it stands beside other domains, and leaves that open; without, it has one of its own.
    """

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        pack: DomainPack,
        *,
        trusted: bool = False,
        engine: Engine | None = None,
    ) -> None:
        self.settings, self.workspace, self.pack, self._trusted = settings, workspace, pack, trusted
        self.engine, self._owns_engine = engine or Engine(settings, workspace), engine is None
        self.store = AdapterStore(pack.name, workspace.adapters(pack.name))
        self.whole_models = WholeModels(settings.serve, workspace, self.store, self.engine.whole_model_starts)
        self.state = DomainState(PartStatus(), TrainingStatus())
        self._examples: ExampleSelector | None = None
        self._examples_from: Sequence[Example] = ()
        self._lent_as_active: str | None = None

    # --- starting ---

    def prepare(self, say: Say) -> None:
        """Make sure that models and the pack's documents are in place."""
        self.engine.prepare(say)
        self.prepare_pack(say)

    def prepare_pack(self, say: Say) -> None:
        """Make sure that the pack's documents are in place. Raises PackError."""
        # prepare.py itself returns at once when what it made is current.
        build.prepare_pack(self.pack, say, trusted=self._trusted)

    def open_index(
        self, progress: IndexProgress, *, update: bool = True, keep_serving: bool = False
    ) -> dict[str, Any] | None:
        """Open the domain's index; with `update`, ingest what has changed first and return the receipt.

        `keep_serving`: where that fails (a folder that is not mounted, a full disk), open the index as it was; the
        status says so.
        """
        self.state.corpus = PartStatus(state="starting", detail="Reading documents")
        receipt, trouble = None, ""
        try:
            if update:
                try:
                    receipt = self._ingest(progress)
                except GraftError as error:
                    if not (keep_serving and self.engine.corpora.has_index(self.pack.name)):
                        raise
                    trouble = f"the documents as they were indexed last: {error}"
            self.retriever(self.pack.name)
        except GraftError as error:
            self.state.corpus = PartStatus(state="failed", detail=str(error))
            raise
        self.state.corpus = PartStatus(state="ready", progress=1.0, detail=trouble)
        return receipt

    def start_model(self, say: Say) -> None:
        """Start the engine's vLLM unless it runs, and load the active adapter if it fits."""
        self.engine.start(say)
        self.load_active()

    def announce_active(self) -> None:
        """Let the status name the active adapter as one that is being loaded, until `load_active` has done so."""
        self.state.loading = self.store.active()

    def load_active(self) -> None:
        """Load the active adapter into the running vLLM, if it fits the base.

        An active whole model starts with the first question that needs it, or with `start_whole_model`.
        """
        active, base = self.store.active(), self.engine.prepared().llm_name
        try:
            if active and self.store.fits(active, base_name=base, prompt_hash=self.prompt_hash):
                if self.store.manifest(active).merged:
                    self._lend_active(active)
                else:
                    self.serve_adapter(active)
                self.state.adapter = active
            elif active:
                detail = f"adapter {active} is of another model or other prompts, and not in use"
                self.state.training = TrainingStatus(detail=detail)
        except GraftError as error:
            self._tell_unloaded(active, error)
            raise
        finally:
            self.state.loading = None

    def start_whole_model(self, say: Say) -> None:
        """Start the active whole model, if one is active. Raises ModelError; without it, no adapter is active here."""
        active = self._lent_as_active
        if active is None:
            return
        try:
            self.whole_models.open(active, say)
        except GraftError as error:
            self._lend_active(None)
            self.state.adapter = None
            self._tell_unloaded(active, error)
            raise

    def _tell_unloaded(self, adapter: str | None, error: GraftError) -> None:
        self.state.training = TrainingStatus(detail=f"adapter {adapter} could not be loaded: {error}")

    def serve_adapter(self, name: str, say: Say = lambda text: None) -> None:
        """Make sure that a published adapter answers under its name; nothing happens when it does already.

        An adapter is loaded into the running vLLM; a whole model, which has to be on loan, gets one of its own.
        """
        if self.whole_models.find(name) is not None or self.engine.has_adapter(name):
            return
        if self.store.manifest(name).merged:
            self.whole_models.open(name, say)
            return
        self.engine.running_vllm()
        self.store.check(name)
        self.engine.load_adapter(name, self.store.path(name))

    @asynccontextmanager
    async def lend(self, adapter: str) -> AsyncIterator[None]:
        """While this is open, questions may name a whole model: it starts with the first, and stops at the end."""
        name = self.store.manifest(adapter).name
        self.whole_models.lend(name)
        try:
            yield
        finally:
            await asyncio.to_thread(self.whole_models.give_back, name)

    def forget_adapter(self, name: str) -> None:
        """Unload an adapter that shall not answer."""
        self.engine.unload_adapter(name)

    def close(self) -> None:
        """Stop every vLLM of ours."""
        self._lent_as_active = None
        self.whole_models.close()
        if self._owns_engine:
            self.engine.close()

    # --- parts ---

    @property
    def trusted(self) -> bool:
        """Whether the pack's own code may run."""
        return self._trusted

    @property
    def models(self) -> "PreparedModels | None":
        """Where the models stand, once that is known."""
        return self.engine.models

    @property
    def vllm(self) -> "VllmProcess | ExternalVllm | None":
        """The vLLM of the base model, once it is started."""
        return self.engine.vllm

    @property
    def base_folder(self) -> Path:
        """Folder of the base model."""
        return self.engine.prepared().llm

    @property
    def prompt_hash(self) -> str:
        """Hash of how prompts reach the base model."""
        return self.engine.prompt_hash

    def embeddings(self) -> "Embeddings":
        """The embedder, loaded once."""
        return self.engine.embeddings()

    def reranker(self) -> "Reranker | None":
        """The reranker that the settings name, one for all corpora."""
        return self.engine.reranker()

    def retriever(self, corpus: str) -> "HybridRetriever":
        """The retriever of a corpus, or of several (`a+b`). Raises RequestError with the known ones."""
        from retriever.hybrid import together

        names = corpus_names(corpus)
        if len(names) != 1:
            return together([self.retriever(name) for name in names or [self.pack.name]])
        (corpus,) = names
        corpora = self.engine.corpora
        if corpus != self.pack.name and not corpora.is_open(corpus) and corpus not in {c.name for c in self.corpora()}:
            known = ", ".join(c.name for c in self.corpora()) or "none yet"
            raise RequestError(f"no corpus '{corpus}' in this workspace: it has {known}")
        return corpora.retriever(corpus)

    def pipeline(
        self, corpus: str | None = None, own: "HybridRetriever | None" = None, *, whole: bool = False
    ) -> ChatPipeline:
        """The chat pipeline over a corpus (the domain's own by default), and over what `own` finds beside it.

        `whole`: see Question.
        """
        from retriever.hybrid import together

        models, name = self.engine.prepared(), corpus or self.pack.name
        retrievers = [self.retriever(name)] if self.engine.corpora.has_index(name) else []
        retrievers += [own] if own is not None else []
        examples = self.pack.train_examples
        if examples is not self._examples_from:  # also when they have been edited since
            self._examples = ExampleSelector(examples, self.embeddings()) if examples else None
            self._examples_from = examples
        return ChatPipeline(
            pack=self.pack,
            model_for=partial(self._chat_model, whole=whole),
            base_model=models.llm_name,
            active_adapter=lambda: self.state.adapter,
            count_tokens=build.token_counter(models.llm),
            generate=self.settings.generate,
            retriever=together(retrievers) if retrievers else None,
            examples=self._examples,
            token_budget=self.settings.retrieve.token_budget,
            longest_answer=self.settings.serve.max_model_len // 2,
            while_answering=lambda: answering(self.workspace.run),
        )

    # --- DomainService ---

    async def stream(
        self, question: Question, corpus: str | None = None, *, own: "HybridRetriever | None" = None
    ) -> AsyncIterator[Event]:
        """Answer as events. Raises ServeError while parts are not ready; see `Question.or_passages`.

        `own` finds passages beside those of `corpus`: of files that are the asker's alone, and so go by no name.
        """
        if not question.or_passages:
            self.engine.running_vllm()
        named = question.adapter or self.state.adapter
        if question.arm.adapter and named and self.engine.state.state == "ready":
            await asyncio.to_thread(self.serve_adapter, named)
        whole = question.whole or question.has_shape
        pipeline = await asyncio.to_thread(self.pipeline, corpus, own, whole=whole)
        async with aclosing(or_passages(pipeline.stream(question), question)) as events:
            async for event in events:
                yield event

    async def answer(self, question: Question, corpus: str | None = None) -> Answer:
        """Answer in one piece."""
        from core.chat import Done

        async for event in self.stream(question.model_copy(update={"whole": True}), corpus):
            if isinstance(event, Done):
                return event.answer
        raise ServeError("the answer stream ended without an answer; look into the vLLM log of the workspace")

    async def search(
        self, text: str, k: int, corpus: str | None = None, where: Mapping[str, Any] | None = None
    ) -> list[Passage]:
        """The `k` best passages, whole, best first."""
        documents = await asyncio.to_thread(lambda: self.retriever(corpus or self.pack.name).search(text, k, where))
        return [to_passage(document, n) for n, document in enumerate(documents, start=1)]

    async def fingerprint(self) -> str:
        """Hash of what determines answers here besides question and arm. Reads index and weights, so in a thread."""
        return await asyncio.to_thread(self._fingerprint)

    def status(self) -> ServiceStatus:
        """State of model, corpus and training."""
        engine, own = self.engine, self.state
        return ServiceStatus(
            domain=self.pack.name,
            model=engine.state,
            corpus=own.corpus,
            training=own.training,
            adapter=own.adapter,
            loading=own.loading,
            cache_hit_rate=engine.cache_hit_rate,
        )

    def adapters(self) -> list[AdapterInfo]:
        """Published adapters that can answer now, newest first: of whole models only the active one can."""
        active = self.store.active()
        return [
            AdapterInfo(
                name=m.name,
                active=m.name == active,
                created=m.created,
                base=m.base_name,
                method=m.method,
                examples=m.examples,
                metrics=m.metrics,
                people=m.provenance.people,
            )
            for m in self.store.list()
            if not m.merged or m.name == self._lent_as_active
        ]

    def corpora(self) -> list[CorpusInfo]:
        """Corpora of the workspace, the domain's own first."""
        return self.engine.corpora.infos(self.pack.name)

    async def activate(self, adapter: str, *, unchecked: bool = False) -> None:
        """Check, load and point at a published adapter."""
        await asyncio.to_thread(self.activate_now, adapter, unchecked=unchecked)

    def activate_now(self, adapter: str, *, unchecked: bool = False, say: Say = lambda text: None) -> "Parity | None":
        """The same, for callers without an event loop. The pointer moves last, so a failure changes nothing.

        A whole model needs no restart either, but a vLLM of its own, for which there has to be memory. Returns the
        report of the parity gate, which starts vLLM where none runs; None: `unchecked`, and never tested.
        """
        from graft.parity import pass_gate

        models = self.engine.prepared()
        manifest = self.store.check(adapter, base_name=models.llm_name, prompt_hash=self.prompt_hash)
        # On loan for the gate, which needs it served; the active one stays so where this process answers.
        with self.whole_models.lent(manifest.name) if manifest.merged else nullcontext():
            report = pass_gate(self, manifest, unchecked=unchecked, say=say)
            if self.vllm is not None:
                self.serve_adapter(manifest.name, say)
            self.store.activate(manifest.name, base_name=models.llm_name, prompt_hash=self.prompt_hash)
            self.state.adapter = manifest.name
            self._lend_active(manifest.name if manifest.merged and self.vllm is not None else None)
        return report

    async def ingest(
        self, on_progress: Callable[[str, float], None], *, reembed: bool = False, allow_mass_deletion: bool = False
    ) -> dict[str, Any]:
        """Bring the index up to date and return the receipt."""

        def ingest() -> dict[str, Any]:
            return self.ingest_now(on_progress, reembed=reembed, allow_mass_deletion=allow_mass_deletion)

        return await in_expendable_thread(ingest)

    def ingest_now(
        self, on_progress: Callable[[str, float], None], *, reembed: bool = False, allow_mass_deletion: bool = False
    ) -> dict[str, Any]:
        """The same, from a thread that may wait."""

        def progress(stage: str, done: int, total: int) -> None:
            on_progress(stage, done / total if total else 0.0)

        receipt = self._ingest(progress, reembed=reembed, allow_mass_deletion=allow_mass_deletion)
        self.retriever(self.pack.name)
        if self.state.corpus.state in ("ready", "failed"):
            self.state.corpus = PartStatus(state="ready", progress=1.0)
        return receipt

    def ingest_other(
        self, corpus: str, on_progress: Callable[[str, float], None], *, allow_mass_deletion: bool = False
    ) -> dict[str, Any]:
        """Bring the index of a corpus that is not the domain's up to date, from this thread; returns the receipt."""

        def progress(stage: str, done: int, total: int) -> None:
            on_progress(stage, done / total if total else 0.0)

        with self.engine.corpora.writing:
            return self.index(corpus).ingest(progress, allow_mass_deletion=allow_mass_deletion).model_dump()

    def index(self, corpus: str | None = None) -> DomainIndex:
        """The index of a corpus, the domain's own by default, to look into and to write."""
        return DomainIndex(self.settings, self.workspace, self.pack, self.embeddings, corpus)

    def drop_corpus(self, corpus: str, remove: Callable[[], None]) -> None:
        """Let go of a corpus and then `remove` it, while nothing is written."""
        self.engine.corpora.drop(corpus, remove)

    # --- inside ---

    def _fingerprint(self) -> str:
        name, indexed = self.pack.name, self.engine.corpora.has_index(self.pack.name)
        return sha256_json(
            {
                "model": self.engine.prepared().llm_name,
                "prompt": self.prompt_hash,
                "index": index_fingerprint(self.workspace.corpus(name)),
                "retrieval": self.retriever(name).fingerprint if indexed else None,
                # An answer that takes too long is a failure; the number of examples stands in each question.
                "generate": self.settings.generate.model_dump(exclude={"timeout_seconds", "icl_examples"}),
            }
        )

    def _lend_active(self, name: str | None) -> None:
        """The whole model `name` is needed from now on, in the place of the one that was active before."""
        before, self._lent_as_active = self._lent_as_active, name
        if name is not None:
            self.whole_models.lend(name)
        if before is not None:
            self.whole_models.give_back(before)

    def _ingest(
        self, progress: IndexProgress, *, reembed: bool = False, allow_mass_deletion: bool = False
    ) -> dict[str, Any]:
        def tell(stage: str, done: int, total: int) -> None:
            share = done / total if total else None
            if self.state.corpus.state == "starting":
                self.state.corpus = PartStatus(state="starting", detail=f"{stage} {done} of {total}", progress=share)
            progress(stage, done, total)

        with self.engine.corpora.writing:
            return self.index().ingest(tell, reembed=reembed, allow_mass_deletion=allow_mass_deletion).model_dump()

    def _chat_model(self, name: str, *, whole: bool) -> "BaseChatModel":
        return self.engine.chat_model(name, self.whole_models.find(name), whole=whole)
