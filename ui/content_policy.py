"""A content security policy on every HTML page: the browser loads and runs nothing that this server did not write.

That holds whatever a document or an answer contains. Pure ASGI; responses of other types pass untouched.

Inline scripts of the served page are allowed by their hash, so markup that gets into the page later cannot run any.
`unsafe-eval` stays because Gradio compiles its HTML templates in the browser.
"""

import base64
import hashlib
import re
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.html_traffic import is_html, opens_page

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' {hashes}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; media-src 'self' blob:; "
    "worker-src 'self' blob:; frame-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)


class ContentPolicy:
    """Adds the policy to HTML responses, after `amend` has changed them (which sees every page whole)."""

    def __init__(self, app: ASGIApp, amend: Callable[[bytes], bytes] = lambda page: page) -> None:
        self.app, self._amend = app, amend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; hold back HTML until it is whole, because its hashes go into the header."""
        if not opens_page(scope):
            await self.app(scope, receive, send)
            return
        # Compressed text could not be searched for scripts.
        scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]}
        held: list[Message] = []

        async def hold(message: Message) -> None:
            if is_html(message):
                held.append(message)
            elif not held:
                await send(message)
            elif message["type"] == "http.response.body":
                held.append(message)
                if not message.get("more_body"):
                    await _send_whole(held, send, self._amend)

        await self.app(scope, receive, hold)


def policy(page: bytes) -> str:
    """The header's value for a page as served."""
    digests = {hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(page)}
    hashes = " ".join(sorted(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests))
    return _POLICY.format(hashes=hashes)


async def _send_whole(held: list[Message], send: Send, amend: Callable[[bytes], bytes]) -> None:
    start, *bodies = held
    page = amend(b"".join(body.get("body", b"") for body in bodies))
    headers = MutableHeaders(raw=start["headers"])
    # A page with a policy of its own (a document, which is strangers' text) keeps that one.
    headers.setdefault("content-security-policy", policy(page))
    headers["x-content-type-options"] = "nosniff"
    # Not "no-referrer": with it, forms of the page's own would be sent as from nowhere, and refused.
    headers["referrer-policy"] = "same-origin"
    headers["content-length"] = str(len(page))
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": page})
