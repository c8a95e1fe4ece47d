"""A teacher that writes examples: any OpenAI-compatible endpoint, or the base model of this workspace.

Used through LangChain's chat model; replies are constrained by JSON Schema where the endpoint can do that, else looked
at and asked for once more. `graft.endpoint_model` is the same for the chat pipeline.
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
        """The reply's text; one that is not of the schema is asked for once more. Raises ServeError.

        An endpoint that refuses schemas is asked in words alone: the prompt asks for JSON as well.
        """
        import openai

        with endpoint_errors(self.name, self._role):
            if self._constrained:
                try:
                    return self._ask(messages, extra_body={"response_format": json_schema_format(schema)})
                except (openai.BadRequestError, openai.UnprocessableEntityError):
                    reply = self._ask_for(messages, schema)  # where this fails too, schemas were not the reason
                    self._constrained = False
                    return reply
            return self._ask_for(messages, schema)

    def _ask_for(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> str:
        """Ask in words; a reply of another shape is drawn anew once."""
        from jsonschema import Draft202012Validator

        from finetune.synthesis.asking import read_reply

        reply = self._ask(messages)
        if Draft202012Validator(schema).is_valid(read_reply(reply)):
            return reply
        return self._ask(messages, temperature=0.6, seed=1)

    def _ask(self, messages: list[dict[str, str]], **options: Any) -> str:
        return self._model.bind(max_tokens=MOST_TOKENS, **options).invoke(messages).text


def json_schema_format(schema: dict[str, Any]) -> dict[str, Any]:
    """What `response_format` is for a reply of this schema, at any OpenAI-compatible endpoint."""
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}


@contextmanager
def endpoint_errors(name: str, role: str = "teacher") -> Iterator[None]:
    """Raise the endpoint's errors as ServeError that says what to do. `role` is what the options call it."""
    import openai

    try:
        yield
    except openai.AuthenticationError as error:
        raise ServeError(f"the {role} {name} refused the key: name its variable with --{role}-key-env") from error
    except openai.APITimeoutError as error:
        raise ServeError(f"the {role} {name} took too long; the same command goes on from here") from error
    except openai.APIConnectionError as error:
        raise ServeError(f"the {role} {name} cannot be reached: check --{role}-url") from error
    except openai.APIStatusError as error:
        raise ServeError(f"the {role} {name} refused: {error.message}") from error


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
