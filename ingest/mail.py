"""An email to a document: subject as title, who wrote to whom and when, then the text. Attachments are only named.

The text is that of all parts which a reader is shown; of alternatives the best. The standard library takes the message
apart; text in HTML goes the way of a page. Knows no mailbox.
"""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage, Message
from typing import Any, cast

from core.printable import printable
from ingest.blocks import ParsedDocument
from ingest.extracted import to_document
from ingest.html import tidy_elements

_SHOWN = ("From", "To", "Cc", "Date")
# The best first.
_BODY = ("html", "plain")
_NO_SUBJECT = "(no subject)"


def mail_document(data: bytes, source: str) -> ParsedDocument:
    """Parse an .eml file. Raises ValueError when it is none."""
    from dataclasses import replace

    from unstructured.documents.elements import Text, Title

    message = cast(EmailMessage, email.message_from_bytes(data, policy=email.policy.default))
    headers = {name: _header(message, name) for name in (*_SHOWN, "Subject")}
    if not any(headers.values()):
        raise ValueError("is not an email: it has no sender, subject or date")
    subject = headers["Subject"] or _NO_SUBJECT
    attachments = _attachments(message)
    lines = [f"{name}: {headers[name]}" for name in _SHOWN if headers[name]]
    lines += [f"Attachments: {', '.join(attachments)}"] if attachments else []
    elements: list[Any] = [Title(subject), Text("\n".join(lines)), *_body(message)]
    document = to_document(elements, "eml", source, frozenset({subject}))
    notes = f"attachments were not read: {', '.join(attachments)}" if attachments else ""
    if len(elements) == 2:
        notes = "; ".join(filter(None, (notes, "no text but its headers")))
    return replace(document, title=subject, notes=notes)


def _header(message: Message, name: str) -> str:
    try:
        value = message.get(name)
    except (ValueError, IndexError, AttributeError, TypeError):  # what the parser of broken headers raises
        return ""
    return " ".join(str(value or "").encode("utf-8", "replace").decode().split())


def _body(message: EmailMessage) -> list[Any]:
    return [element for part in _texts(message, message.get_body(_BODY)) for element in _elements(part)]


def _texts(part: Any, body: Message | None) -> Iterator[EmailMessage]:
    """The texts that a reader is shown, in their order: `body`, whatever its name, and others without one.

    An attached message is no text, nor is anything in it.
    """
    if part.get_content_maintype() == "text":
        if part is body or not (part.get_filename() or part.is_attachment()):
            yield part
    elif part.get_content_type() == "multipart/alternative":
        # One of these may be a message in parts, of which the best is one: Apple Mail writes pictures so.
        best = part.get_body(_BODY)
        for inner in part.iter_parts():
            if any(leaf is best for leaf in inner.walk()):
                yield from _texts(inner, body)
    elif part.get_content_maintype() == "multipart":
        for inner in part.iter_parts():
            yield from _texts(inner, body)


def _elements(part: EmailMessage) -> list[Any]:
    from unstructured.partition.text import partition_text

    content = _content(part)
    if part.get_content_type() == "text/html":
        return tidy_elements(content)
    from unstructured.documents.elements import Text

    # A short line of a letter is a greeting or a name, no heading.
    elements = partition_text(text=content, languages=[""]) if content.strip() else []
    return [Text(element.text) if element.category == "Title" else element for element in elements]


def _content(part: EmailMessage) -> str:
    try:
        content = part.get_content()
    except (LookupError, ValueError):  # a character set that nobody knows
        from ingest.decode import decode

        return decode(cast(bytes, part.get_payload(decode=True)) or b"").text
    return content if isinstance(content, str) else ""


def _attachments(message: EmailMessage) -> list[str]:
    """Names of what is attached; a message without a name goes by its subject."""
    names = []
    body = message.get_body(_BODY)
    alternatives = {id(part) for kind in ("html", "plain") if (part := message.get_body((kind,))) is not None}
    for part in message.walk():
        if part.get_content_maintype() == "multipart" or part is body or id(part) in alternatives:
            continue
        name = part.get_filename()
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            subject = _header(cast(Message, inner[0]), "Subject") if isinstance(inner, list) and inner else ""
            names.append(printable(f"message: {subject or _NO_SUBJECT}"))
        elif name or part.get_content_disposition() == "attachment":
            names.append(printable(" ".join(str(name or part.get_content_type()).split())))
    return names
