"""An email to a document: subject as title, who wrote to whom and when, then the text. Attachments are only named.

The standard library takes the message apart; a body in HTML goes the way of a page. Knows no mailbox.
"""

import email
import email.policy
from email.message import EmailMessage, Message
from typing import Any, cast

from ingest.blocks import ParsedDocument
from ingest.extracted import to_document
from ingest.html import tidy_elements

_SHOWN = ("From", "To", "Cc", "Date")
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
    from unstructured.partition.text import partition_text

    part = message.get_body(("html", "plain"))
    if part is None:
        return []
    content = _content(cast(EmailMessage, part))
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
    body = message.get_body(("html", "plain"))
    alternatives = {id(part) for kind in ("html", "plain") if (part := message.get_body((kind,))) is not None}
    for part in message.walk():
        if part.get_content_maintype() == "multipart" or part is body or id(part) in alternatives:
            continue
        name = part.get_filename()
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            subject = _header(cast(Message, inner[0]), "Subject") if isinstance(inner, list) and inner else ""
            names.append(f"message: {subject or _NO_SUBJECT}")
        elif name or part.get_content_disposition() == "attachment":
            names.append(" ".join(str(name or part.get_content_type()).split()))
    return names
