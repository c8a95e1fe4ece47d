"""What the gateway, the page and the commands need of a domain that is being served. Knows no stage and no transport.

Two implementations: one in the serving process, one that speaks to it from another process.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from core.chat import Event, Question
from core.pack import DomainPack
from core.types import Answer, Passage

PartState = Literal["waiting", "starting", "ready", "restarting", "failed"]


def corpus_names(corpus: str) -> list[str]:
    """Names of the corpora that `corpus` means: one, or several joined by `+` or commas, each once, in order."""
    return list(dict.fromkeys(name.strip() for name in corpus.replace(",", "+").split("+") if name.strip()))


class PartStatus(BaseModel):
    """State of one part (base model, corpus); `detail` is one line for people, `progress` 0 to 1 where known."""

    state: PartState = "waiting"
    detail: str = ""
    progress: float | None = None


class TrainingStatus(BaseModel):
    """A training run as seen from outside. Figures once known; `detail` names the failure.

    `loss` is smoothed; `tokens_per_second` counts no padding.
    """

    state: Literal["none", "preparing", "training", "paused", "publishing", "done", "failed"] = "none"
    detail: str = ""
    progress: float = 0.0
    loss: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    seconds_left: float | None = None


class ServiceStatus(BaseModel):
    """Everything a page shows above the chat. `ready`: base model and corpus answer questions.

    `adapter` is the one that answers, `loading` the one that will, as soon as the model runs. `cache_hit_rate`: the
    share of prompt tokens that vLLM found in its prefix cache since it started; None: not known.
    """

    domain: str
    model: PartStatus = PartStatus()
    corpus: PartStatus = PartStatus()
    training: TrainingStatus = TrainingStatus()
    adapter: str | None = None
    loading: str | None = None
    cache_hit_rate: float | None = None

    @property
    def ready(self) -> bool:
        """Whether questions can be answered (with or without an adapter)."""
        return self.model.state == "ready" and self.corpus.state == "ready"


class AdapterInfo(BaseModel):
    """One published adapter. `name` is its immutable served name, `domain@hash`.

    `people`: how many rows it was trained on came of what users said, by the users' ids.
    """

    name: str
    active: bool = False
    created: str = ""
    base: str = ""
    method: str = "lora"
    examples: int = 0
    metrics: dict[str, Any] = {}
    people: dict[str, int] = {}


class CorpusInfo(BaseModel):
    """One corpus that can be asked. `title` is what people call it; empty: like its name."""

    name: str
    title: str = ""
    chunks: int = 0
    documents: int = 0


class DomainService(Protocol):
    """A domain, served. Every method raises GraftError subclasses whose message says what to do."""

    pack: DomainPack

    def stream(self, question: Question, corpus: str | None = None) -> AsyncIterator[Event]:
        """Answer as events (see core.chat); closing the iterator aborts the generation."""
        ...

    async def answer(self, question: Question, corpus: str | None = None) -> Answer:
        """Answer in one piece."""
        ...

    async def search(
        self, text: str, k: int, corpus: str | None = None, where: Mapping[str, Any] | None = None
    ) -> list[Passage]:
        """The `k` best passages, whole, best first; numbers count from 1; no token budget.

        `corpus` may name several (`a+b`), here and above; `where` filters by metadata, in Chroma's syntax.
        """
        ...

    async def fingerprint(self) -> str:
        """Hash of what determines answers besides question and arm: model, prompts, index, retrieval, generation.

        As this service has them, which may have been started with other settings than those of whoever asks.
        """
        ...

    def status(self) -> ServiceStatus:
        """State of model, corpus and training; cheap, no I/O that can block."""
        ...

    def adapters(self) -> list[AdapterInfo]:
        """Published adapters, newest first."""
        ...

    def corpora(self) -> list[CorpusInfo]:
        """Corpora of the workspace, the domain's own first."""
        ...

    async def activate(self, adapter: str, *, unchecked: bool = False) -> None:
        """Make a published adapter the one that `hybrid` and `lora` use, without a restart.

        It must answer in vLLM as it does in PEFT, which takes some seconds to find out, once; unless `unchecked`. A
        whole model gets a second vLLM, which takes a minute and memory.
        """
        ...

    def lend(self, adapter: str) -> AbstractAsyncContextManager[None]:
        """While this is open, questions may name `adapter` although it is a whole model that is not the active one.

        It gets a vLLM of its own with the first question (about a minute), which stops at the end.
        """
        ...

    async def ingest(
        self, on_progress: Callable[[str, float], None], *, reembed: bool = False, allow_mass_deletion: bool = False
    ) -> dict[str, Any]:
        """Bring the index up to date with the pack's documents; returns the receipt of `graft ingest --json`.

        `reembed` embeds every chunk again. Raises MassDeletionError unless `allow_mass_deletion`.
        """
        ...
