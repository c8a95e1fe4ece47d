"""Mail: all text that a reader is shown, in its order; of alternatives one; what is attached is named."""

from email.message import EmailMessage

import pytest

from ingest.mail import mail_document
from ingest.offline import QUIET

HEADERS = "From: desk@example.org\nSubject: Bracket\nMIME-Version: 1.0\n"


@pytest.fixture(autouse=True)
def _whole_parts(monkeypatch):
    """What a part is divided into is unstructured's affair, which is slow to import."""
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    from unstructured.documents.elements import Text

    monkeypatch.setattr("ingest.mail._elements", lambda part: [Text(part.get_content().strip())])


def multipart(kind, *parts):
    """A part of the given kind, as text."""
    mark = f"mark-{kind}-{len(''.join(parts))}"
    inside = "".join(f"--{mark}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{mark}"\n\n{inside}--{mark}--\n'


def text(words, kind="plain", disposition=""):
    shown = f"Content-Disposition: {disposition}\n" if disposition else ""
    return f"Content-Type: text/{kind}\n{shown}\n{words}\n"


PDF = 'Content-Type: application/pdf\nContent-Disposition: inline; filename="list.pdf"\n\n%PDF\n'
FORWARDED = f"Content-Type: message/rfc822\n\nSubject: Fan\n{text('Words of another letter.')}"


def words(mail):
    """The texts of a message after its subject and headers."""
    document = mail_document((HEADERS + mail).encode(), "a.eml")
    return [document.text[b.start : b.end] for b in document.blocks][2:]


def test_text_after_an_attachment_is_read():
    mail = multipart("mixed", text("The list is below."), PDF, text("Call me when you have seen it."))
    assert words(mail) == ["The list is below.", "Call me when you have seen it."]
    document = mail_document((HEADERS + mail).encode(), "a.eml")
    assert document.notes == "attachments were not read: list.pdf"


def test_a_footer_in_another_format_does_not_take_the_place_of_the_letter():
    mail = multipart("mixed", text("The bracket is loose."), text("<p>Sent to all of the list.</p>", "html"))
    assert words(mail) == ["The bracket is loose.", "<p>Sent to all of the list.</p>"]


def test_of_alternatives_the_best_is_read_with_all_that_belongs_to_it():
    page = text("<p>The bracket is loose.</p>", "html")
    plain = text("The bracket is loose, in plain words.")
    assert words(multipart("alternative", plain, page)) == ["<p>The bracket is loose.</p>"]
    assert words(multipart("alternative", plain, multipart("mixed", page, PDF, text("<p>Bye.</p>", "html")))) == [
        "<p>The bracket is loose.</p>",
        "<p>Bye.</p>",
    ]
    assert words(multipart("mixed", multipart("alternative", plain, page), text("A footer."))) == [
        "<p>The bracket is loose.</p>",
        "A footer.",
    ]


def test_attached_texts_and_letters_are_named_only():
    mail = multipart(
        "mixed",
        text("The bracket is loose."),
        text("Words of a file.", disposition='inline; filename="notes.txt"'),
        text("Words of an attachment.", disposition="attachment"),
        FORWARDED,
    )
    assert words(mail) == ["The bracket is loose."]
    document = mail_document((HEADERS + mail).encode(), "a.eml")
    assert "Attachments: notes.txt, text/plain, message: Fan" in document.text


def test_a_plain_letter():
    message = EmailMessage()
    message["Subject"] = "Bracket"
    message.set_content("It is loose.")
    document = mail_document(bytes(message), "a.eml")
    assert document.text.endswith("It is loose.")
    assert document.title == "Bracket"
