"""Keeps unstructured off the network: its sentence splitter, its telemetry, its notices.

unstructured downloads a spaCy model at the first sentence it meets. Where that model is not installed, spaCy's own
rule-based sentence splitter takes its place: element types of plain text get a little coarser, nothing else changes.
"""

import importlib.util
import os

QUIET = {
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
    "DO_NOT_TRACK": "true",
    "SCARF_NO_ANALYTICS": "true",
    "UNSTRUCTURED_LANGUAGE_CHECKS": "false",
}


def make_offline() -> None:
    """Patch this process. To be called before the first partition."""
    os.environ.update(QUIET)
    if importlib.util.find_spec("en_core_web_sm") is not None:
        return
    import spacy
    from unstructured.nlp import tokenize

    def blank() -> spacy.language.Language:
        language = spacy.blank("en")
        language.add_pipe("sentencizer")
        return language

    tokenize._load_spacy_model = blank  # noqa: SLF001 - the seam unstructured has
    # Without a tagger there are no verbs to find: skip the second pass over the tokens.
    from unstructured.partition import text_type

    text_type.pos_tag = lambda _text: []  # type: ignore[attr-defined]


def forbid_network() -> None:
    """Make every connection attempt of this process fail (documents can name addresses)."""
    import socket

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError("parsing has no network")

    socket.socket.connect = refuse  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = refuse  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = refuse  # type: ignore[assignment]
