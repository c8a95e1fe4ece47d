"""A teacher that writes examples: any OpenAI-compatible endpoint, or the base model of this workspace.

Used through LangChain's chat model; replies are constrained by JSON Schema where the endpoint can do that.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from core.errors import ServeError, SettingsError
from core.pack import DomainPack
from core.settings import Settings
from core.workspace import Workspace

if TYPE_CHECKING:
    import httpx
    from langchain_core.language_models import BaseChatModel

Say = Callable[[str], None]
MOST_TOKENS = 512


class Teacher:
    """Asks one model for JSON. May be called from several threads. `name` says who it is."""

    def __init__(self, name: str, model: "BaseChatModel", role: str = "teacher") -> None:
        self.name, self._model, self._role = name, model, role
        self._constrained = True

    def __call__(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> str:
        """The reply's text. Raises ServeError when the endpoint does not answer."""
        import openai

        shape = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
        try:
            if self._constrained:
                try:
                    return self._ask(messages, extra_body={"response_format": shape})
                except (openai.BadRequestError, openai.UnprocessableEntityError):
                    self._constrained = False  # it may know no JSON Schema: the prompt asks for JSON as well
            return self._ask(messages)
        except openai.AuthenticationError as error:
            raise ServeError(
                f"the {self._role} {self.name} refused the key: name its variable with --{self._role}-key-env"
            ) from error
        except openai.APITimeoutError as error:
            raise ServeError(
                f"the {self._role} {self.name} took too long; the same command goes on from here"
            ) from error
        except openai.APIConnectionError as error:
            raise ServeError(f"the {self._role} {self.name} cannot be reached: check --{self._role}-url") from error
        except openai.APIStatusError as error:
            raise ServeError(f"the {self._role} {self.name} refused: {error.message}") from error

    def _ask(self, messages: list[dict[str, str]], **options: Any) -> str:
        return self._model.bind(max_tokens=MOST_TOKENS, **options).invoke(messages).text


@contextmanager
def open_teacher(
    settings: Settings,
    workspace: Workspace,
    pack: DomainPack,
    say: Say,
    *,
    url: str | None,
    model: str | None,
    key_env: str | None,
    role: str = "teacher",
) -> Iterator[Teacher]:
    """The teacher at `url`; without one the workspace's base model, through a vLLM that runs or one started for it.

    `role` is what messages and options call it. A key is sent only when `key_env` names its variable. Raises
    SettingsError, ServeError, ModelError.
    """
    if url is not None:
        if not model:
            raise SettingsError(f"--{role}-url needs --{role}-model: which of its models is meant")
        if key_env is not None and not os.environ.get(key_env):
            raise SettingsError(f"environment variable {key_env} is not set or empty")
        key = os.environ[key_env] if key_env else "unused"
        yield Teacher(f"{model} at {url}", endpoint_model(settings, model, url, key), role)
        return
    if model or key_env:
        raise SettingsError("--teacher-model and --teacher-key-env belong to --teacher-url")
    with _local_vllm(settings, workspace, pack, say) as (name, base_url, client):
        yield Teacher(name, endpoint_model(settings, name, base_url, "unused", client))


@contextmanager
def _local_vllm(
    settings: Settings, workspace: Workspace, pack: DomainPack, say: Say
) -> "Iterator[tuple[str, str, httpx.Client]]":
    """Name of the base model, base URL and client of a vLLM of this workspace."""
    from graft.models import prepare_models
    from graft.service import LocalService
    from serve.vllm_api import VllmApi

    name = prepare_models(settings.models, workspace, say).llm_name
    timeout = settings.generate.timeout_seconds
    for socket in sorted((workspace.run / "sockets").glob("vllm-*")):
        running = VllmApi("vLLM", "http://vllm", socket)
        try:
            serves = name in running.models()
        except ServeError:
            continue  # left by a process that was killed
        if serves:
            with running.client(timeout) as client:
                yield name, running.base_url, client
            return
    service = LocalService(settings, workspace, pack)
    try:
        service.prepare(say)
        service.start_model(say)
        assert service.vllm is not None
        with service.vllm.client(timeout) as client:
            yield name, service.vllm.base_url, client
    finally:
        service.close()


def endpoint_model(
    settings: Settings, name: str, url: str, key: str, client: "httpx.Client | None" = None
) -> "BaseChatModel":
    """A LangChain chat model for one model of an OpenAI-compatible endpoint."""
    from langchain.chat_models import init_chat_model

    return init_chat_model(
        name,
        model_provider="openai",
        base_url=url,
        api_key=key,
        http_client=client,
        temperature=0,
        stream_usage=True,
        max_retries=4,  # with growing pauses: a busy endpoint is no reason to stop
        timeout=settings.generate.timeout_seconds,
    )
