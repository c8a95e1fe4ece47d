import asyncio
import base64
import hashlib

from ui.content_policy import ContentPolicy, policy

PAGE = b"<script src='a.js'></script><script>one()</script><SCRIPT type='module'>two()\n</SCRIPT>"


def digest(script):
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"


def serve(content_type, accept="text/html", chunks=(PAGE[:20], PAGE[20:])):
    seen = {}

    async def app(scope, receive, send):
        seen["headers"] = dict(scope["headers"])
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]}
        await send(start)
        for number, chunk in enumerate(chunks, start=1):
            await send({"type": "http.response.body", "body": chunk, "more_body": number < len(chunks)})

    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"accept", accept.encode()), (b"accept-encoding", b"br")]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(ContentPolicy(app)(scope, None, send))
    return sent, seen["headers"]


def test_inline_scripts_are_allowed_by_hash_alone():
    header = policy(PAGE)
    assert digest(b"one()") in header
    assert digest(b"two()\n") in header
    assert header.count("sha256-") == 2
    script_rule = next(rule for rule in header.split("; ") if rule.startswith("script-src"))
    assert "unsafe-inline" not in script_rule
    assert "http:" not in header


def test_html_gets_the_header_and_keeps_its_body():
    sent, asked = serve(b"text/html; charset=utf-8")
    headers = dict(sent[0]["headers"])
    assert headers[b"content-security-policy"].decode() == policy(PAGE)
    assert headers[b"content-length"] == str(len(PAGE)).encode()
    assert b"".join(message.get("body", b"") for message in sent[1:]) == PAGE
    assert b"accept-encoding" not in asked


def test_streams_pass_chunk_by_chunk():
    sent, asked = serve(b"text/event-stream", accept="text/event-stream")
    assert [message.get("body") for message in sent[1:]] == [PAGE[:20], PAGE[20:]]
    assert b"content-security-policy" not in dict(sent[0]["headers"])
    assert asked[b"accept-encoding"] == b"br"


def test_other_types_asked_for_by_a_page_pass():
    sent, _ = serve(b"application/json")
    assert len(sent) == 3
    assert b"content-security-policy" not in dict(sent[0]["headers"])
