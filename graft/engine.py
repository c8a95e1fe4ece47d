"""What all domains of a process share: models, embedder, reranker, one vLLM, open corpora. Knows no domain.

Each part is loaded by its first use or its own method, so that a command starts only what it needs. Adapters of all
domains stand side by side in the one vLLM: their names begin with their domain's.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import GraftError, ModelDownError, ServeError
from core.service import PartStatus
from core.settings import Settings
from core.workspace import Workspace
from graft import build
from graft.open_corpora import OpenCorpora
from graft.sockets import vllm_socket

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel

    from graft.models import PreparedModels
    from retriever.searching import Reranker
    from serve.vllm_process import ExternalVllm, VllmProcess
    from serve.vllm_session import VllmSessions
    from serve.vllm_watch import HealthWatch

Say = Callable[[str], None]
SILENT = "vLLM does not answer"


class Engine:
    """Call `prepare` first, then `start` where answers are needed, `close` last. May be used from several threads.

    `state` is that of the language model, `models` None until they are prepared, `vllm` None until it is started.
    """

    def __init__(self, settings: Settings, workspace: Workspace) -> None:
        self.settings, self.workspace = settings, workspace
        self.models: PreparedModels | None = None
        self.vllm: VllmProcess | ExternalVllm | None = None
        self.state = PartStatus()
        self.cache_hit_rate: float | None = None
        self.corpora = OpenCorpora(workspace, settings.retrieve, self.embeddings, self.reranker)
        # Whole models start one after another, whichever domain they belong to: two at once would be slower.
        self.whole_model_starts = threading.Lock()
        self._embeddings: Embeddings | None = None
        self._reranker: Reranker | None = None
        self._sessions: dict[str, VllmSessions] = {}
        self._watch: HealthWatch | None = None
        self._lock = threading.RLock()

    # --- starting ---

    def prepare(self, say: Say) -> None:
        """Make sure that the models are in place. Raises ModelError."""
        from graft.models import prepare_models

        if self.models is None:
            self.models = prepare_models(self.settings.models, self.workspace, say)

    def start(self, say: Say) -> None:
        """Start vLLM, or connect to the one at `serve.vllm_url`; nothing happens while one is up. Raises ServeError."""
        from serve import vllm_chat, vllm_session  # noqa: F401  now, and not while the first questions wait
        from serve.vllm_watch import HealthWatch

        if self.vllm is not None and self.state.state != "failed":
            return
        models = self.prepared()

        def tell(text: str) -> None:
            self.state = PartStatus(state="starting", detail=text)
            say(text)

        try:
            self.vllm = self._external(models) if self.settings.serve.vllm_url else self._own(models, tell)
        except GraftError as error:
            self.state = PartStatus(state="failed", detail=str(error))
            raise
        self.state = PartStatus(state="ready")
        self._watch = HealthWatch(self.vllm, self._health_changed, self._cache_counted)
        self._watch.start()

    def close(self) -> None:
        """Stop vLLM, if it is ours."""
        from serve.vllm_process import VllmProcess

        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if isinstance(self.vllm, VllmProcess):
            self.vllm.stop()
        self.vllm = None
        self._sessions = {}

    # --- parts ---

    def prepared(self) -> "PreparedModels":
        """The models. Raises ServeError until they are prepared."""
        if self.models is None:
            raise ServeError("the models are still being prepared; try again in a moment")
        return self.models

    @property
    def prompt_hash(self) -> str:
        """Hash of how prompts reach the base model."""
        return build.prompt_fingerprint(self.prepared().llm)

    def embeddings(self) -> "Embeddings":
        """The embedder, loaded once."""
        with self._lock:
            if self._embeddings is None:
                self._embeddings = build.load_embeddings(self.settings, self.prepared().embedder)
            return self._embeddings

    def use_embeddings(self, embeddings: "Embeddings") -> None:
        """Embed with this from now on, instead of what the settings name."""
        self._embeddings = embeddings

    def reranker(self) -> "Reranker | None":
        """The reranker that the settings name, one for all corpora."""
        with self._lock:
            if self._reranker is None:
                self._reranker = build.load_reranker(self.settings)
            return self._reranker

    def running_vllm(self) -> "VllmProcess | ExternalVllm":
        """The vLLM of the base model. Raises ModelDownError while it cannot answer."""
        if self.vllm is None or self.state.state not in ("ready", "starting"):
            detail = self.state.detail or "it is still starting; try again in a moment"
            raise ModelDownError(f"the language model does not answer: {detail}")
        return self.vllm

    def chat_model(self, name: str, whole_model: "VllmProcess | None", *, whole: bool) -> "BaseChatModel":
        """A chat model for one served name: of the vLLM that serves this whole model alone, else of the base's.

        `whole`: see Question.
        """
        vllm = self.running_vllm() if whole_model is None else whole_model
        where = name if whole_model is not None else ""
        sessions = self._sessions.get(where)
        if sessions is None:
            from serve.vllm_session import VllmSessions

            seconds = self.settings.generate.timeout_seconds
            sessions = self._sessions.setdefault(where, VllmSessions(vllm.socket, seconds))
        return build.chat_model(name, vllm.root_url, sessions, self.settings.generate, whole=whole)

    # --- adapters ---

    def has_adapter(self, name: str) -> bool:
        """Whether an adapter answers under its name. vLLM keeps the record: it forgets those that a restart lost."""
        return self.vllm is not None and self.vllm.has_adapter(name)

    def load_adapter(self, name: str, folder: Path) -> None:
        """Make an adapter answer under its name. Raises ServeError, ModelDownError."""
        vllm = self.running_vllm()
        with self._lock:
            if not vllm.has_adapter(name):
                vllm.load_adapter(name, folder)

    def unload_adapter(self, name: str) -> None:
        """Let an adapter answer no more."""
        with self._lock:
            if self.vllm is not None:
                self.vllm.unload_adapter(name)

    # --- what is seen of it ---

    def counts(self) -> Mapping[str, float]:
        """What vLLM counts, for /metrics: prompt tokens looked up in its prefix cache, and found. May block shortly."""
        vllm = self.vllm
        counts = vllm.cache_counts() if vllm is not None and self.state.state == "ready" else None
        return {} if counts is None else {"prefix_cache_queries": counts[0], "prefix_cache_hits": counts[1]}

    # --- inside ---

    def _external(self, models: "PreparedModels") -> "ExternalVllm":
        from serve.vllm_process import ExternalVllm

        url = str(self.settings.serve.vllm_url)
        vllm = ExternalVllm(url)
        if models.llm_name not in vllm.models():
            raise ServeError(
                f"the vLLM at {url} does not serve '{models.llm_name}': start it with "
                f"--served-model-name {models.llm_name} --enable-lora, or set --llm"
            )
        return vllm

    def _own(self, models: "PreparedModels", tell: Say) -> "VllmProcess":
        def changed(state: str, detail: str) -> None:
            known = {"starting": "starting", "ready": "ready", "restarting": "restarting"}
            self.state = PartStatus.model_validate({"state": known.get(state, "failed"), "detail": detail})

        vllm = build.vllm_server(
            self.settings.serve,
            models.llm,
            models.llm_name,
            vllm_socket(self.workspace),
            self.workspace.logs / "vllm.log",
            changed,
        )
        self.vllm = vllm  # before it has started, so that `close` stops it in the middle of that
        vllm.start(tell)
        return vllm

    def _health_changed(self, up: bool) -> None:
        """A server that falls silent is not ready; VllmProcess itself reports one that has died."""
        from serve.vllm_process import ExternalVllm

        if not up and self.state.state == "ready":
            self.state = PartStatus(state="restarting", detail=SILENT)
        elif up and self.state.detail == SILENT:
            if isinstance(self.vllm, ExternalVllm):
                self.vllm.load_again()
            self.state = PartStatus(state="ready")

    def _cache_counted(self, asked: float, found: float) -> None:
        self.cache_hit_rate = round(found / asked, 3) if asked else None
