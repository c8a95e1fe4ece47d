"""Settings in, objects out: the one place that knows every stage. Starts no server and keeps no state."""

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ModelError, PackError, SettingsError
from core.pack import DomainPack, load_pack
from core.passages import CountTokens
from core.prompt import CountMessages, Message, prompt_hash
from core.settings import GenerateSettings, ServeSettings, Settings
from core.workspace import Workspace
from graft.models import REMOTE_EMBEDDER

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

    from retriever.searching import Reranker
    from serve.vllm_chat import VllmChat
    from serve.vllm_process import OnState, VllmProcess
    from serve.vllm_session import VllmSessions

SHIPPED_PACKS = Path(__file__).resolve().parent.parent / "domains"
Say = Callable[[str], None]
TOKENS_AT_ONCE = 16  # of an answer that nobody reads along; one that loops is still noticed early


def open_pack(reference: str, workspace: Workspace) -> DomainPack:
    """The pack named or pointed at by `reference`. Raises PackError."""
    return load_pack(reference, SHIPPED_PACKS, workspace.root / "packs")


def pack_reference(pack: DomainPack) -> str:
    """How a command typed anywhere names a pack: a shipped one by its name, any other by its path."""
    shipped = pack.root.parent == SHIPPED_PACKS and pack.root.name == pack.name
    return pack.name if shipped else str(pack.root)


def prepare_pack(pack: DomainPack, say: Say, *, trusted: bool = False) -> None:
    """Run the pack's prepare.py, which obtains its documents. Only shipped packs, or with trust. Raises PackError."""
    if not pack.file.prepare:
        return
    if not trusted and not pack.root.is_relative_to(SHIPPED_PACKS):
        raise PackError(f"{pack.root}/prepare.py is code of that pack: read it, then allow it with --trust")
    script = pack.root / "prepare.py"
    if not script.is_file():
        raise PackError(f"{pack.root}/domain.yaml says prepare: true, but prepare.py is missing beside it")
    spec = importlib.util.spec_from_file_location(f"graft_pack_{pack.name.replace('-', '_')}", script)
    if spec is None or spec.loader is None:
        raise PackError(f"{script} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.prepare(pack.data, say)


def load_embeddings(settings: Settings, embedder: str | Path) -> "Embeddings":
    """The embedder as LangChain Embeddings, from a folder or 'openai:MODEL'. Raises ModelError, SettingsError.

    Cheap: a local model's weights are loaded when something is first embedded.
    """
    name = str(embedder)
    if not name.startswith(REMOTE_EMBEDDER):
        from retriever.embedder import load_embedder

        return load_embedder(embedder, batch_size=settings.ingest.batch_size)
    from retriever.remote_embedder import RemoteEmbedder

    if not settings.models.embedder_url:
        raise SettingsError(
            f"embedder '{name}' needs an endpoint: set models.embedder_url, such as http://127.0.0.1:8000/v1"
        )
    return RemoteEmbedder(
        name.removeprefix(REMOTE_EMBEDDER),
        settings.models.embedder_url,
        os.environ.get("GRAFT_EMBEDDER_KEY"),
        batch_size=settings.ingest.batch_size,
    )


def load_reranker(settings: Settings) -> "Reranker | None":
    """The cross-encoder that the settings name, loaded with its first use; None: no reranking."""
    from retriever.reranker import CrossEncoderReranker

    name = settings.retrieve.reranker
    return None if name is None else CrossEncoderReranker(name)


@lru_cache(maxsize=4)
def token_counter(llm: Path) -> CountTokens:
    """Counts tokens as the language model in folder `llm` does. Raises ModelError."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(llm / "tokenizer.json"))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"{llm} has no readable tokenizer.json: use a model with a fast tokenizer") from error
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


@lru_cache(maxsize=4)
def message_counter(llm: Path) -> CountMessages:
    """Counts the tokens of chat messages as the model in folder `llm` gets them, chat template included.

    Messages that end with the user's include the opening of the answer. Raises ModelError.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(llm)
    except (OSError, ValueError) as error:
        raise ModelError(f"{llm} has no tokenizer that can be read: {error}") from error

    def count(messages: Sequence[Message]) -> int:
        ask = messages[-1]["role"] != "assistant"
        text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=ask)
        return len(tokenizer.encode(str(text), add_special_tokens=False))

    return count


def prompt_fingerprint(llm: Path) -> str:
    """Hash of how prompts reach this model: Graft's rendering and the model's chat template. Raises ModelError."""
    template = llm / "chat_template.jinja"
    if template.is_file():
        return prompt_hash(template.read_text(encoding="utf-8"))
    config = llm / "tokenizer_config.json"
    text = json.loads(config.read_text(encoding="utf-8")).get("chat_template") if config.is_file() else None
    if not text:
        raise ModelError(f"{llm} has no chat template: choose an instruction-tuned model")
    return prompt_hash(json.dumps(text))


def vllm_server(
    serve: ServeSettings,
    model: Path,
    name: str,
    socket: Path,
    log_file: Path,
    on_state: "OnState | None" = None,
    *,
    lora: bool = True,
) -> "VllmProcess":
    """A vLLM server for the model in folder `model`, served as `name`; not started."""
    from serve.vllm_process import VllmProcess

    return VllmProcess(
        model,
        socket=socket,
        log_file=log_file,
        served_name=name,
        max_model_len=serve.max_model_len,
        dtype=serve.dtype,
        kv_cache_gib=serve.kv_cache_gib,
        threads=serve.threads,
        lora=lora,
        max_loras=serve.max_loras,
        max_lora_rank=serve.max_lora_rank,
        max_num_seqs=serve.max_num_seqs,
        gpu_memory_utilization=serve.gpu_memory_utilization,
        tensor_parallel=serve.tensor_parallel,
        replicas=serve.replicas,
        extra_args=list(serve.extra_args),
        on_state=on_state,
    )


def chat_model(name: str, url: str, sessions: "VllmSessions", generate: GenerateSettings, *, whole: bool) -> "VllmChat":
    """A LangChain chat model for one model name of the vLLM server at `url`.

    `whole`: for answers that nobody reads along, in fewer pieces.
    """
    from serve.vllm_chat import VllmChat

    at_once = TOKENS_AT_ONCE if whole else 1
    return VllmChat(
        model=name, url=url, session=sessions.session, temperature=generate.temperature, tokens_at_once=at_once
    )
