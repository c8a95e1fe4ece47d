"""Mails: plain text with the usual headers."""

from email.message import EmailMessage
from email.policy import SMTP

from ..blocks import Document
from .markup import plain


def write(document: Document) -> bytes:
    """The document as .eml."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Date"] = document.sender, document.recipients, document.date
    mail["Subject"] = document.title
    stem = document.path.rsplit("/", 1)[-1].removesuffix(".eml")
    mail["Message-ID"] = f"<{stem}@hestrel.example>"
    parts = [plain(block) for block in document.blocks]
    mail.set_content("\n\n".join(part for part in parts if part) + "\n", cte="8bit")
    return mail.as_bytes()
