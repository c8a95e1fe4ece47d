"""A corpus of small files in several formats that changes at random, from a seed. Knows nothing of an index."""

import csv
import hashlib
import io
import json
import os
import random
import re
import time
from pathlib import Path

FORMATS = ("md", "txt", "html", "csv", "json", "rst", "py", "eml", "docx", "xlsx")
_WORDS = re.findall(
    r"\w+",
    """valve pump inverter battery cable fuse relay meter panel quince sage mint pruning garden shade water soil error
    warning reset restart firmware update module driver voltage current power grid charge cycle limit sensor table
    manual chapter section rule refund order delivery invoice customer support ticket agent answer question""",
)


class ChangingCorpus:
    """Files below `folder`; `change` adds, rewrites, moves, copies and removes some of them."""

    def __init__(self, folder: Path, rng: random.Random, size: int) -> None:
        self.folder, self._rng, self._size, self._made = folder, rng, size, 0
        folder.mkdir(parents=True)
        for _ in range(size):
            self._add()

    def files(self) -> dict[str, Path]:
        """All files by their names in an index."""
        return {p.relative_to(self.folder).as_posix(): p for p in sorted(self.folder.rglob("*")) if p.is_file()}

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file."""
        return {source: hashlib.sha256(path.read_bytes()).hexdigest() for source, path in self.files().items()}

    def change(self) -> None:
        """A few changes, or many, but never the loss of more than half."""
        rng = self._rng
        for _ in range(rng.choice((1, 2, 4, 8, 16))):
            paths = list(self.files().values())
            match rng.choice(("add", "rewrite", "rewrite", "append", "move", "copy", "remove")):
                case "add":
                    self._add()
                case "rewrite":
                    path = rng.choice(paths)
                    self._write(path, path.suffix[1:])
                case "append":
                    path = rng.choice(paths)
                    if path.suffix in (".md", ".txt", ".rst", ".py"):
                        path.write_text(path.read_text() + f"\n{self._sentence()}\n")
                case "move":
                    path = rng.choice(paths)
                    path.rename(self._new_path(path.suffix[1:]))
                case "copy":
                    path = rng.choice(paths)
                    self._new_path(path.suffix[1:]).write_bytes(path.read_bytes())
                case _:
                    if len(paths) > self._size // 2:
                        rng.choice(paths).unlink()
        if rng.random() < 0.2:  # one that cannot be read
            self._new_path("docx").write_bytes(b"PK\x03\x04 no archive" * rng.randint(1, 9))
        if rng.random() < 0.1 and (self.folder / "a").is_dir():  # a whole folder moves
            (self.folder / "a").rename(self.folder / f"moved-{self._made}")
        # Half of the time the files look as if they had been there for long.
        if rng.random() < 0.5:
            then = time.time() - 60
            for path in self.files().values():
                os.utime(path, (then, then))

    def _add(self) -> None:
        kind = self._rng.choice(FORMATS)
        self._write(self._new_path(kind), kind)

    def _new_path(self, kind: str) -> Path:
        self._made += 1
        folder = self.folder / self._rng.choice((".", "a", "a/b", "c"))
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"file {self._made}.{kind}"

    def _sentence(self) -> str:
        return " ".join(self._rng.choices(_WORDS, k=self._rng.randint(4, 14))).capitalize() + "."

    def _paragraphs(self) -> list[str]:
        return [" ".join(self._sentence() for _ in range(4)) for _ in range(self._rng.randint(1, 5))]

    def _write(self, path: Path, kind: str) -> None:
        title, paragraphs = self._sentence()[:-1], self._paragraphs()
        rows = [[str(n), self._rng.choice(_WORDS), self._sentence()] for n in range(self._rng.randint(2, 12))]
        match kind:
            case "md":
                text = "\n\n".join(f"## {self._sentence()[:-1]}\n\n{words}" for words in paragraphs)
                path.write_text(f"# {title}\n\n{text}\n")
            case "html":
                body = "".join(f"<h2>{self._sentence()}</h2><p>{words}</p>" for words in paragraphs)
                path.write_text(f"<html><body><h1>{title}</h1>{body}</body></html>")
            case "csv":
                table = io.StringIO()
                csv.writer(table).writerows([["code", "part", "meaning"], *rows])
                path.write_text(table.getvalue())
            case "json":
                path.write_text(json.dumps({"title": title, "entries": paragraphs}, indent=1))
            case "rst":
                path.write_text(f"{title}\n{'=' * len(title)}\n\n" + "\n\n".join(paragraphs) + "\n")
            case "py":
                code = "\n\n".join(f"def f{n}():\n    return {row!r}" for n, row in enumerate(rows))
                path.write_text(f'"""{title}."""\n\n{code}\n')
            case "eml":
                head = f"From: a@example.org\nSubject: {title}\nContent-Type: text/plain\n\n"
                path.write_text(head + "\n\n".join(paragraphs) + "\n")
            case "docx":
                self._write_docx(path, title, paragraphs)
            case "xlsx":
                self._write_xlsx(path, rows)
            case _:
                path.write_text(f"{title}\n\n" + "\n\n".join(paragraphs) + "\n")

    @staticmethod
    def _write_docx(path: Path, title: str, paragraphs: list[str]) -> None:
        from docx import Document

        document = Document()
        document.add_heading(title, 1)
        for words in paragraphs:
            document.add_paragraph(words)
        document.save(str(path))

    @staticmethod
    def _write_xlsx(path: Path, rows: list[list[str]]) -> None:
        from openpyxl import Workbook

        book = Workbook()
        assert book.active is not None
        for row in [["code", "part", "meaning"], *rows]:
            book.active.append(row)
        book.save(path)
