"""Files that break, cheat or attack their reader, each with what has to become of it. Writes into a folder given."""

import io
import os
import random
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.unit.ingest.pdf_writer import write_objects, write_pdf

CANARY = "CANARY-5b1c"
BAIT = "the quick bait"
# A word for what is read; else a pattern that the reason has to match.
INDEXED = "indexed"


class Hostile(NamedTuple):
    """A file of a corpus: how to write it, and its outcome: INDEXED, or a pattern for the reason."""

    name: str
    write: Callable[[Path], object]
    outcome: str


def put(data: bytes | str | Callable[[], bytes | str]) -> Callable[[Path], object]:
    """A writer of these bytes, made when they are wanted."""

    def write(path: Path) -> None:
        made = data() if callable(data) else data
        path.write_bytes(made.encode() if isinstance(made, str) else made)

    return write


def archive(parts: dict[str, bytes], *, stored: bool = False) -> bytes:
    """A ZIP archive of these parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return target.getvalue()


def changed(data: bytes, parts: dict[str, bytes | Callable[[bytes], bytes]]) -> bytes:
    """The archive `data` with some parts replaced or added; a function gets the part as it was."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        found = {name: file.read(name) for name in file.namelist()}
    for name, new in parts.items():
        found[name] = new(found[name]) if callable(new) else new
    return archive(found)


def docx() -> bytes:
    """A small Word document."""
    import docx as library

    document = library.Document()
    document.add_heading("Manual", 1)
    document.add_paragraph(BAIT)
    return _saved(document)


def xlsx() -> bytes:
    """A small workbook."""
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["item", "price"])
    book.active.append([BAIT, 12])
    return _saved(book)


def pptx() -> bytes:
    """A small slide deck."""
    from pptx import Presentation

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = BAIT
    return _saved(deck)


def converted(kind: str) -> bytes:
    """A small document of a kind that pandoc writes: odt, epub, rtf."""
    import tempfile

    import pypandoc

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, f"x.{kind}")
        extra = ["--metadata", "title=Manual"] if kind == "epub" else []
        pypandoc.convert_text(
            f"# Manual\n\n{BAIT}\n", kind, format="markdown", outputfile=str(target), extra_args=extra
        )
        return target.read_bytes()


def _saved(document) -> bytes:
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def lying(data: bytes, part: str) -> bytes:
    """The archive with a part that claims to be ten bytes long."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        size = file.getinfo(part).file_size
    assert data.count(struct.pack("<I", size)) >= 2
    return data.replace(struct.pack("<I", size), struct.pack("<I", 10))


def _page(content: bytes, extra: bytes = b"") -> list[bytes]:
    return [
        b"<< /Type /Catalog /Pages 2 0 R " + extra + b">>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 /MediaBox [0 0 612 792] >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
        content,
    ]


def _stream(data: bytes, extra: bytes = b"") -> bytes:
    return b"<< /Length %d %s>>\nstream\n%s\nendstream" % (len(data), extra, data)


_WORDS = b"BT /F1 12 Tf 72 720 Td (" + BAIT.encode() + b") Tj ET"


def all_cases(canary: Path) -> list[Hostile]:
    """Every case; `canary` is the file that the attacks try to read."""
    return [*broken(), *bombs(), *attacks(canary), *specials(canary)]


def broken() -> list[Hostile]:
    """Empty, binary, truncated and misnamed files."""
    noise = random.Random(1).randbytes(5000)
    pdf = write_pdf([[(12, BAIT)]])
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
    return [
        Hostile("empty.md", put(b""), "empty"),
        Hostile("blank.txt", put(b" \n\t\n"), "empty"),
        Hostile("nul.txt", put(b"one\0two" * 9), "NUL"),
        Hostile("noise.txt", put(noise), "NUL|no other encoding"),
        Hostile("program.md", put(b"MZ" + b"\0" * 100 + b"PE\0\0" + noise), "a Windows program, not a .md file"),
        Hostile("tool", put(b"\x7fELF\x02\x01" + noise), "a program, which holds no text"),
        Hostile("photo.png", put(b"\x89PNG\r\n\x1a\n" + noise), r"\.png files hold no text"),
        Hostile("photo.txt", put(b"\x89PNG\r\n\x1a\n" + noise), "a PNG image, not a .txt file"),
        Hostile("report.txt", put(pdf), r"a PDF, not a .txt file: rename it to \.pdf"),
        Hostile("report.docx", put(pdf), r"a PDF, not a docx file: rename it to \.pdf"),
        Hostile("report", put(pdf), INDEXED),
        Hostile("prices.xlsx", put(docx), r"a Word document, not a xlsx file: rename it to \.docx"),
        Hostile("page.pdf", put(f"<!DOCTYPE html><p>{BAIT}</p>"), r"an HTML page, not a pdf file: rename it to \.html"),
        Hostile("page.txt", put(f"<!DOCTYPE html><p>{BAIT}</p>"), INDEXED),
        Hostile("letter.txt", put(rb"{\rtf1 hello}"), r"an RTF document, not a .txt file: rename it to \.rtf"),
        Hostile("plain.docx", put("plain text"), "not a docx file"),
        Hostile("archive.docx", put(lambda: archive({"a.txt": b"x"})), "a ZIP archive, not a docx file"),
        Hostile("old.doc", put(ole), r"save it as \.docx"),
        Hostile("old.xls", put(ole + "WordDocument".encode("utf-16-le")), "an old Word document"),
        Hostile("secret.docx", put(ole + "EncryptedPackage".encode("utf-16-le")), "locked with a password"),
        Hostile("half.pdf", put(pdf[: len(pdf) // 3]), "damaged|no text"),
        Hostile("half.docx", put(lambda: docx()[:3000]), "not a docx file"),
        Hostile("half.odt", put(b"not a zip"), "not a odt file"),
        Hostile("garbage.pdf", put(b"%PDF-1.4\n garbage"), "damaged PDF"),
        Hostile("wordless.docx", put(lambda: changed(docx(), {"word/document.xml": _without_words})), "no text found"),
        Hostile("hollow.pptx", put(lambda: changed(pptx(), {"ppt/slides/slide1.xml": b"<"})), "cannot be read as pptx"),
        Hostile(
            "hollow.epub",
            put(lambda: archive({"mimetype": b"application/epub+zip"}, stored=True)),
            "cannot be read as epub",
        ),
        Hostile("shapes.svg", put('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'), "no text found"),
        Hostile("not-a-mail.eml", put(b"\xff\xfe" + noise), "not an email"),
        Hostile("torn.xml", put("<a><b>text</a>"), "not well-formed XML"),
        Hostile("torn.json", put('{"a": 1, "bait": "' + BAIT + '", '), INDEXED),
        Hostile("torn.jsonl", put('{"a": 1}\n{"a": \n{"bait": "' + BAIT + '"}\n'), INDEXED),
        Hostile("open-quote.csv", put('a,b\n1,"' + BAIT + "\n" + "2,3\n" * 3000), INDEXED),
    ]


def _without_words(xml: bytes) -> bytes:
    import re

    return re.sub(rb"<w:t>[^<]*</w:t>", b"", xml)


def bombs() -> list[Hostile]:
    """Files that unpack, expand or nest without end."""
    zeros = b"\0" * (80 << 20)
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 20) for n in range(1, 9))
    doctype = b'<!DOCTYPE x [<!ENTITY l0 "' + b"ha" * 500 + b'">' + laughs + b"]>"

    def expanding(xml: bytes) -> bytes:
        start = xml.index(b"?>") + 2 if b"?>" in xml[:200] else 0
        return xml[:start] + doctype + xml[start:].replace(BAIT.encode(), b"&l8;")

    cell = b'<c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c>'
    return [
        Hostile("bomb.docx", put(lambda: changed(docx(), {"word/media/x.bin": zeros})), "zip bomb"),
        Hostile("bomb.epub", put(lambda: changed(converted("epub"), {"EPUB/x.xhtml": zeros})), "zip bomb"),
        Hostile("bomb.xlsx", put(lambda: changed(xlsx(), {"xl/x.xml": zeros})), "zip bomb"),
        Hostile("lying.docx", put(lambda: lying(docx(), "word/document.xml")), "cannot be read as docx|damaged"),
        Hostile("lying.odt", put(lambda: lying(converted("odt"), "content.xml")), "damaged"),
        Hostile("laughs.xml", put(doctype + b"<x>&l8;</x>"), "entity bomb"),
        Hostile("laughs.svg", put(doctype + b"<svg><text>&l8;</text></svg>"), "entity bomb"),
        Hostile(
            "laughs.docx", put(lambda: changed(docx(), {"word/document.xml": expanding})), "XML entities of its own"
        ),
        Hostile(
            "laughs.pptx", put(lambda: changed(pptx(), {"ppt/slides/slide1.xml": expanding})), "XML entities of its own"
        ),
        Hostile(
            "laughs.xlsx",
            put(lambda: changed(xlsx(), {"xl/worksheets/sheet1.xml": expanding})),
            "XML entities of its own",
        ),
        Hostile(
            "laughs.odt", put(lambda: changed(converted("odt"), {"content.xml": expanding})), "XML entities of its own"
        ),
        Hostile(
            "quadratic.xml",
            put(b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 50000 + b'">]><x>' + b"&a;" * 50000 + b"</x>"),
            "entity bomb",
        ),
        Hostile("deep.html", put("<div>" * 100_000 + BAIT + "</div>" * 100_000), "nested too deeply"),
        Hostile("deep.xml", put("<a>" * 100_000 + BAIT + "</a>" * 100_000), "nested too deeply"),
        Hostile("deep.json", put("[" * 100_000 + "]" * 100_000), "nested too deeply"),
        Hostile("deep.md", put(">" * 20_000 + BAIT), INDEXED),
        Hostile("deep.eml", put(lambda: _nested_mail(2000)), "nested too deeply"),
        Hostile(
            "stream.pdf",
            put(lambda: write_objects(_page(_stream(_deflated_spaces(900), b"/Filter /FlateDecode ")))),
            "memory|longer|damaged|no text",
        ),
        Hostile(
            "far.xlsx",
            put(
                lambda: changed(
                    xlsx(),
                    {
                        "xl/worksheets/sheet1.xml": lambda xml: xml.replace(
                            b"</sheetData>", b'<row r="1048576">' + cell + b"</row></sheetData>"
                        )
                    },
                )
            ),
            INDEXED,
        ),
        Hostile(
            "wide.xlsx",
            put(
                lambda: changed(
                    xlsx(),
                    {"xl/worksheets/sheet1.xml": lambda xml: xml.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"')},
                )
            ),
            INDEXED,
        ),
        Hostile("long-line.txt", put("word " * 150_000 + BAIT), INDEXED),
        Hostile("one-word.md", put("x" * 700_000), INDEXED),
    ]


def _deflated_spaces(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([packer.compress(b" " * (1 << 20)) for _ in range(mebibytes)] + [packer.flush()])


def _nested_mail(depth: int) -> str:
    head = "From: a@example.org\nSubject: deep\n"
    parts = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth))
    return f"{head}{parts}Content-Type: text/plain\n\n{BAIT}\n"


def attacks(canary: Path) -> list[Hostile]:
    """Files that try to read a file of somebody else, to write one, or to run something."""
    uri = canary.as_uri().encode()
    doctype = b'<!DOCTYPE x [<!ENTITY c SYSTEM "' + uri + b'">]>'

    def reading(xml: bytes) -> bytes:
        start = xml.index(b"?>") + 2 if b"?>" in xml[:200] else 0
        return xml[:start] + doctype + xml[start:].replace(BAIT.encode(), b"x &c; x")

    def hidden(xml: bytes) -> bytes:
        # In UTF-16 nobody sees the DOCTYPE who only looks for its letters.
        return reading(xml).decode().replace("UTF-8", "UTF-16", 1).encode("utf-16")

    def traversing(data: bytes, name: str) -> bytes:
        return changed(data, {name: CANARY.encode()})

    launch = (
        b"/OpenAction << /S /Launch /F (/bin/sh) >> "
        b"/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (app.alert(1)) >>] >> >> "
    )
    loop = _page(_stream(_WORDS))
    loop[1] = b"<< /Type /Pages /Kids [2 0 R 4 0 R] /Count 2 /MediaBox [0 0 612 792] >>"
    body = f"<h1>{BAIT}</h1>"
    return [
        Hostile("xxe.xml", put(doctype + b"<x>&c;</x>"), "names another file"),
        Hostile("xxe.svg", put(doctype + b"<svg><text>&c;</text></svg>"), "names another file"),
        Hostile(
            "parameter.xml",
            put(b'<!DOCTYPE x [<!ENTITY % c SYSTEM "' + uri + b'"> %c;]><x>a</x>'),
            "names another file",
        ),
        Hostile(
            "include.xml",
            put(
                b'<x xmlns:i="http://www.w3.org/2001/XInclude">'
                + BAIT.encode()
                + b'<i:include href="'
                + uri
                + b'" parse="text"/></x>'
            ),
            INDEXED,
        ),
        Hostile("xxe.docx", put(lambda: changed(docx(), {"word/document.xml": reading})), "XML entities of its own"),
        Hostile("xxe16.docx", put(lambda: changed(docx(), {"word/document.xml": hidden})), "Entity|entity"),
        Hostile(
            "xxe.pptx", put(lambda: changed(pptx(), {"ppt/slides/slide1.xml": reading})), "XML entities of its own"
        ),
        Hostile(
            "xxe.xlsx", put(lambda: changed(xlsx(), {"xl/worksheets/sheet1.xml": reading})), "XML entities of its own"
        ),
        Hostile("xxe.odt", put(lambda: changed(converted("odt"), {"content.xml": reading})), "XML entities of its own"),
        Hostile(
            "xxe.epub",
            put(lambda: changed(converted("epub"), {"EPUB/text/ch001.xhtml": reading})),
            "XML entities of its own",
        ),
        Hostile(
            "frames.html",
            put(
                f'{body}<iframe src="{canary.as_uri()}"></iframe><object data="{canary.as_uri()}"></object><img src="http://127.0.0.1:9/x">'
            ),
            INDEXED,
        ),
        Hostile(
            "include.rst",
            put(
                f"{BAIT}\n\n.. include:: {canary}\n\n.. raw:: html\n   :file: {canary}\n\n"
                f".. csv-table::\n   :file: {canary}\n"
            ),
            INDEXED,
        ),
        Hostile("include.org", put(f'* {BAIT}\n#+INCLUDE: "{canary}"\n'), INDEXED),
        Hostile(
            "images.rtf",
            put(rb"{\rtf1 " + BAIT.encode() + rb"{\field{\*\fldinst INCLUDETEXT " + str(canary).encode() + rb"}}}"),
            INDEXED,
        ),
        Hostile("out.epub", put(lambda: traversing(converted("epub"), "../../written-outside")), "points out of it"),
        Hostile("out.docx", put(lambda: traversing(docx(), "/tmp/written-outside")), "points out of it"),
        Hostile("out.odt", put(lambda: traversing(converted("odt"), "..\\..\\written-outside")), "points out of it"),
        Hostile("launch.pdf", put(lambda: write_objects(_page(_stream(_WORDS), launch))), INDEXED),
        Hostile("loop.pdf", put(lambda: write_objects(loop)), INDEXED),
        Hostile("locked.pdf", put(_locked_pdf), "locked with a password"),
        Hostile("bait.eml", put(_mail_with_attachment), INDEXED),
    ]


def _locked_pdf() -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(PdfReader(io.BytesIO(write_pdf([[(12, BAIT)]]))))
    writer.encrypt("secret", algorithm="RC4-128")
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def _mail_with_attachment() -> bytes:
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"], message["Subject"] = "a@example.org", BAIT
    message.set_content(f"{BAIT}, says the text.")
    message.add_attachment(
        archive({"x": b"\0" * 1000}), maintype="application", subtype="zip", filename="../../x\x1b[31m.zip"
    )
    return message.as_bytes()


def specials(canary: Path) -> list[Hostile]:
    """What is no regular file, cannot be read, or leads elsewhere."""

    def listening(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            here = Path.cwd()
            os.chdir(path.parent)  # socket paths are short
            try:
                server.bind(path.name)
            finally:
                os.chdir(here)

    def unreadable(path: Path) -> None:
        path.write_text(BAIT)
        path.chmod(0)

    def large(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(9 << 20)

    def folder_link(path: Path) -> None:
        path.symlink_to(path.parent, target_is_directory=True)

    readable = os.geteuid() == 0
    return [
        Hostile("pipe.txt", os.mkfifo, "a FIFO"),
        Hostile("socket.txt", listening, "a socket"),
        Hostile("zero.txt", lambda path: path.symlink_to("/dev/zero"), "link leads out of the corpus"),
        Hostile("link.txt", lambda path: path.symlink_to(canary), "link leads out of the corpus"),
        Hostile("relative.txt", lambda path: path.symlink_to("../canary.txt"), "link leads out of the corpus"),
        Hostile("loop.txt", lambda path: path.symlink_to(path.name), "broken link"),
        Hostile("nowhere.txt", lambda path: path.symlink_to("missing"), "broken link"),
        Hostile("self", folder_link, "link to a folder"),
        Hostile("unreadable.txt", unreadable, INDEXED if readable else "cannot be read: Permission denied"),
        Hostile("large.txt", large, "over the limit"),
        Hostile(".hidden.md", put(BAIT), "hidden file"),
    ]


# Names as bytes, and how the index and the terminal show them.
NAMES = {
    b'it\'s "quoted".md': 'it\'s "quoted".md',
    b"new\nline.md": r"new\nline.md",
    b"\x1b[31mred.md": r"\x1b[31mred.md",
    b"tab\there.md": r"tab\there.md",
    "pump \U0001f527.md".encode(): "pump \U0001f527.md",
    "txt.\u202edm.md".encode(): r"txt.\u202edm.md",
    "gr\xfcn.md".encode("latin-1"): r"gr\xfcn.md",
    b"-rf.md": "-rf.md",
    b"%s {0} $HOME `id`.md": "%s {0} $HOME `id`.md",
    b"; drop table chunks.md": "; drop table chunks.md",
    b"n" * 252 + b".md": "n" * 252 + ".md",
}
# Texts in other encodings, which must come out as they are.
ENCODED = {
    "utf-16": "Der Akku ist grün, und das Licht blinkt zweimal, bevor es dunkel wird.",
    "utf-16-le": "The battery is full when the light stays green for one minute.",
    "utf-16-be": "The battery is full when the light stays green for one minute.",
    "utf-8-sig": "Größe und Gewicht stehen auf dem Schild.",
    "cp1252": "Das Ventil ist grün – “offen” heißt: der Öler läuft.",
    "iso8859_2": "Żółty przewód należy podłączyć do zacisku po lewej stronie, a potem sprawdzić napięcie.",
    "koi8_r": "Перед началом работы отключите питание и подождите одну минуту.",
    "shift_jis": "作業を始める前に電源を切って、一分間お待ちください。",
    "gb18030": "开始工作之前请先断开电源，然后等待一分钟。",
    "euc_kr": "작업을 시작하기 전에 전원을 끄고 일 분 동안 기다리십시오.",
}
