"""Keeps unstructured off the network: its language model, its telemetry, its notices."""

import os

from ingest.sentences import replace_spacy

QUIET = {
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
    "DO_NOT_TRACK": "true",
    "SCARF_NO_ANALYTICS": "true",
    "UNSTRUCTURED_LANGUAGE_CHECKS": "false",
}


def make_offline() -> None:
    """Prepare this process. To be called before the first partition."""
    os.environ.update(QUIET)
    replace_spacy()


def forbid_network() -> None:
    """Make every connection attempt of this process fail (documents can name addresses)."""
    import socket

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError("parsing has no network")

    socket.socket.connect = refuse  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = refuse  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = refuse  # type: ignore[assignment]
