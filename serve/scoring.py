"""What a served model makes of given tokens: vLLM's log-probabilities of a prompt. Knows no adapter's files."""

from collections.abc import Sequence
from typing import Any

import httpx

from core.errors import ServeError
from serve.vllm_api import VllmApi

_SECONDS = 300.0


def score_tokens(
    vllm: VllmApi, model: str, prompts: Sequence[Sequence[int]]
) -> list[tuple[list[float | None], list[int | None]]]:
    """For each list of token ids: every token's log-probability, and the likeliest token at its place.

    Both are None at place 0, which nothing predicts. Raises ServeError.
    """
    found = []
    with vllm.client(_SECONDS) as client:
        for tokens in prompts:
            body = {"model": model, "prompt": list(tokens), "max_tokens": 1, "temperature": 0, "prompt_logprobs": 1}
            answer = _post(client, vllm, "/v1/completions", body)
            entries = answer["choices"][0].get("prompt_logprobs")
            if not entries or len(entries) != len(tokens):
                raise ServeError(f"{vllm.where} gives no log-probabilities of prompts, as a vLLM does")
            found.append(_read(entries, tokens))
    return found


def chat_tokens(vllm: VllmApi, model: str, messages: Sequence[dict[str, str]]) -> list[int]:
    """The token ids that the server makes of a conversation, its chat template included. Raises ServeError."""
    body = {"model": model, "messages": list(messages), "add_generation_prompt": True}
    with vllm.client(_SECONDS) as client:
        return [int(token) for token in _post(client, vllm, "/tokenize", body)["tokens"]]


def engine_of(vllm: VllmApi) -> str:
    """Name and version of the server's engine, as far as it tells."""
    try:
        with vllm.client() as client:
            version = client.get("/version").raise_for_status().json()["version"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return vllm.where
    return f"{vllm.where} {version}"


def _read(
    entries: Sequence[dict[str, Any] | None], tokens: Sequence[int]
) -> tuple[list[float | None], list[int | None]]:
    logprobs: list[float | None] = []
    likeliest: list[int | None] = []
    for token, entry in zip(tokens, entries, strict=True):
        logprobs.append(float(entry[str(token)]["logprob"]) if entry else None)
        likeliest.append(next((int(key) for key, e in entry.items() if e.get("rank") == 1), None) if entry else None)
    return logprobs, likeliest


def _post(client: httpx.Client, vllm: VllmApi, path: str, body: dict[str, Any]) -> Any:
    try:
        response = client.post(path, json=body)
    except httpx.HTTPError as error:
        raise ServeError(f"{vllm.where} does not answer: {type(error).__name__}: {error}") from error
    if response.is_error:
        raise ServeError(f"{vllm.where} refused {path}: {response.status_code} {response.text[:200]}")
    return response.json()
