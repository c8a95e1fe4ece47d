"""vLLM's HTTP interface: which models it serves, loading adapters. Knows not who started the server or how.

`ExternalVllm` is a server that already runs at a URL; `VllmProcess` (vllm_process.py) one that Graft runs itself.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx

from core.errors import ServeError

LOAD_SECONDS = 120.0
_CACHE_COUNTERS = ("vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total")


class VllmApi:
    """A vLLM server, reached over a Unix socket or at a URL.

    Args:
        where: how messages name the server.
        base_url: root of the server, without `/v1`.
        socket: the Unix socket it listens on; none: `base_url` is a real address.
    """

    def __init__(self, where: str, base_url: str, socket: Path | None = None) -> None:
        self.where, self.root_url, self.socket = where, base_url.rstrip("/"), socket
        self._loaded: dict[str, Path] = {}
        self._load_lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """What OpenAI clients call the base URL."""
        return f"{self.root_url}/v1"

    def client(self, timeout: float = 30.0) -> httpx.Client:
        """A client whose base URL is the server's root. The caller closes it."""
        # Where there is no TLS, the certificates need not be loaded, which takes longer than most requests.
        verify = self.root_url.startswith("https:")
        transport = httpx.HTTPTransport(verify=verify, uds=str(self.socket) if self.socket else None)
        return httpx.Client(base_url=self.root_url, transport=transport, timeout=timeout, trust_env=False)

    def is_healthy(self, timeout: float = 2.0) -> bool:
        """Whether server and engine answer now."""
        try:
            with self.client(timeout) as client:
                return client.get("/health").is_success
        except httpx.HTTPError:
            return False

    def models(self) -> list[str]:
        """Names of the base model and all loaded adapters. Raises ServeError, also for an answer that is no vLLM's."""
        answer = self._request("GET", "/v1/models")
        try:
            return [str(model["id"]) for model in answer["data"]]
        except (KeyError, TypeError) as error:
            raise ServeError(
                f"{self.where} does not answer as a vLLM does (/v1/models lists no models): check the address"
            ) from error

    def has_adapter(self, name: str) -> bool:
        """Whether an adapter was loaded under this name here, and still answers as far as is known. Asks no server."""
        return name in self._loaded

    def load_adapter(self, name: str, path: Path) -> None:
        """Load a PEFT adapter directory under a name; a name that is loaded already stays as it is.

        Names are immutable (vLLM's prefix cache is keyed by them): another version needs another name.
        Raises ServeError with vLLM's reason.
        """
        with self._load_lock:
            if self._loaded.get(name, path) != path:
                raise ServeError(f"adapter name '{name}' is taken by {self._loaded[name]}; publish under another name")
            if name not in self.models():
                path = path.resolve()
                if not (path / "adapter_config.json").is_file():
                    raise ServeError(f"{path} is not a PEFT adapter: adapter_config.json is missing")
                self._request("POST", "/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(path)})
            self._loaded[name] = path

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter; one that is not loaded is no error. Raises ServeError."""
        with self._load_lock:
            self._loaded.pop(name, None)
            if name in self.models():
                self._request("POST", "/v1/unload_lora_adapter", {"lora_name": name})

    def load_again(self) -> None:
        """Load every adapter once more that was loaded before: for a server that was started anew."""
        for name, path in dict(self._loaded).items():
            try:
                self.load_adapter(name, path)
            except ServeError:
                self._loaded.pop(name, None)  # its folder has gone; asking for it will say so

    def cache_counts(self) -> tuple[float, float] | None:
        """Prompt tokens looked up in the prefix cache since the server started, and found there; None: not known."""
        try:
            with self.client(2.0) as client:
                text = client.get("/metrics").raise_for_status().text
        except httpx.HTTPError:
            return None
        counts = dict.fromkeys(_CACHE_COUNTERS, 0.0)
        for line in text.splitlines():
            name = line.partition("{")[0].partition(" ")[0]
            if name in counts:
                counts[name] += float(line.rpartition(" ")[2])
        asked, found = (counts[name] for name in _CACHE_COUNTERS)
        return asked, found

    def _request(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        """The JSON of the answer; an empty dict where it is none. Raises ServeError."""
        try:
            with self.client(LOAD_SECONDS) as client:
                response = client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ServeError(f"{self.where} does not answer: {type(error).__name__}: {error}") from error
        if response.is_error:
            raise ServeError(f"{self.where} refused {path}: {_reason(response)}")
        try:
            return response.json() if response.headers.get("content-type", "").startswith("application/json") else {}
        except ValueError:
            return {}


class ExternalVllm(VllmApi):
    """A vLLM that runs already (`--vllm-url`). Graft neither starts nor stops it.

    Adapters are loaded by path, so it must see the same files, and run with VLLM_ALLOW_RUNTIME_LORA_UPDATING=1.
    """

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise ServeError(f"vLLM URL '{url}' must begin with http:// or https://")
        super().__init__(f"the vLLM at {url}", url.rstrip("/").removesuffix("/v1"))


def _reason(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return f"{response.status_code} {response.text[:200]}"
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message", error) if isinstance(error, dict) else error
    if response.status_code == httpx.codes.NOT_FOUND and message == "Not Found":
        return "it runs without runtime LoRA loading: start it with VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 --enable-lora"
    return " ".join(str(message).split())
