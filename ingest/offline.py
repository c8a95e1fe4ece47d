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
    import mimetypes

    os.environ.update(QUIET)
    replace_spacy()
    # Lists of the system, which a parsing process may not read.
    mimetypes.knownfiles.clear()
