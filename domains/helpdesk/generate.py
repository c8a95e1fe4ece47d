"""Writes the corpus and the examples of this pack from `facts/` and `manuscripts/`.

    python -m domains.helpdesk.generate            # into this folder
    python -m domains.helpdesk.generate --into X   # into another one

What comes out is committed; whoever changes a fact runs this again. The PDF manuals need reportlab (`pip install
reportlab`, or the `dev` extra of Graft); everything else is there when Graft is.
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from .desk.blocks import Document
from .desk.examples.build import Row, build
from .desk.facts import load_facts
from .desk.manuscripts import read_all
from .desk.writers import render

HERE = Path(__file__).parent


def main() -> None:
    """Generate, and say what was made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=HERE)
    into = parser.parse_args().into
    facts = load_facts()
    documents = read_all(facts)
    train, test = build(facts, documents)
    write_corpus(documents, into / "corpus")
    for name, rows in (("train", train), ("test", test)):
        write_examples(rows, into / "examples" / f"{name}.jsonl")
    print(f"{len(documents)} documents, {len(train)} training and {len(test)} test examples in {into}")  # noqa: T201


def write_corpus(documents: Sequence[Document], folder: Path) -> None:
    """Write all documents; what was in `folder` before is gone, but only once everything could be rendered."""
    files = {document.path: render(document) for document in documents}
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def write_examples(rows: Sequence[Row], path: Path) -> None:
    """Write one example per line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
