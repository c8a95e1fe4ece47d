"""Addresses of the page that others than the page have to know: the gateway, which limits what is sent to them.

Each domain has a page, the main one's at `/`, every other's at `/d/NAME/`; below it another language at two letters.
"""

import re

OF_DOMAIN = "/d/"
GRADIO = "/gradio_api/"
DOMAIN_PLACE = re.compile(rf"{OF_DOMAIN}[a-z][a-z0-9-]*(?=/|$)")
_UPLOAD = re.compile(rf"({DOMAIN_PLACE.pattern})?(/[a-z]{{2}})?{GRADIO}upload")


def takes_uploads(path: str) -> bool:
    """Whether files that somebody adds on a page go to this address."""
    return _UPLOAD.fullmatch(path) is not None
