"""Hands pip's configuration (mirrors, find-links, certificate, proxy) on to uv, which does not read it.

Knows pip's option names and uv's environment variables; knows nothing of Graft. Runs on any Python from 3.8.
"""

from __future__ import annotations

import os
import subprocess

# pip option: uv variable, and what joins several values in it.
_TRANSLATION = {
    "index-url": ("UV_INDEX_URL", None),
    "extra-index-url": ("UV_EXTRA_INDEX_URL", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", None),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", None),
    "client-cert": ("SSL_CLIENT_CERT", None),
    "proxy": ("ALL_PROXY", None),
    "timeout": ("UV_HTTP_TIMEOUT", None),
    "default-timeout": ("UV_HTTP_TIMEOUT", None),
}
_SCOPES = ("global", "install", ":env:")  # later ones win, as in pip


def read_pip_options(python: str) -> dict[str, str]:
    """What `pip config list` of that interpreter says, as option to value; empty when pip has none."""
    listed = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    found: dict[str, dict[str, str]] = {scope: {} for scope in _SCOPES}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        scope, _, option = name.rpartition(".")
        if scope in found:
            # pip prints Python literals of strings, with real line breaks written as \n.
            found[scope][option] = value.strip().strip("'\"").replace("\\n", " ").strip()
    merged: dict[str, str] = {}
    for scope in _SCOPES:
        merged.update(found[scope])
    return merged


def uv_environment(options: dict[str, str], environ: dict[str, str] | None = None) -> dict[str, str]:
    """The environment for uv: `environ` plus what pip is configured to use. Variables already set are kept."""
    result = dict(os.environ if environ is None else environ)
    for option, (variable, joiner) in _TRANSLATION.items():
        value = options.get(option)
        if value and variable not in result:
            result[variable] = joiner.join(value.split()) if joiner else value
    if options.get("extra-index-url"):
        # pip takes the best version over all indexes; uv by default only looks at the first that has the name.
        result.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return result
