"""OpenDocument text, EPUB and RTF, through pandoc from the Markdown of the document."""

import os
import tempfile
from pathlib import Path, PurePosixPath

from ..blocks import Document
from .archive import settle
from .markup import write_markdown


def write(document: Document) -> bytes:
    """The document as .odt, .epub or .rtf."""
    import pypandoc

    kind = PurePosixPath(document.path).suffix.lstrip(".")
    body = write_markdown(document).decode().split("\n", 1)[1] if kind == "epub" else write_markdown(document).decode()
    options = [
        "--standalone",
        f"--metadata=identifier:hestrel-{PurePosixPath(document.path).stem}",
        "--metadata=lang:en",
    ]
    if kind == "epub":
        options += [f"--metadata=title:{document.title}", "--metadata=author:Hestrel Energy Storage", "--split-level=2"]
    os.environ["SOURCE_DATE_EPOCH"] = "1780300800"  # 2026-06-01 08:00 UTC
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"document.{kind}"
        pypandoc.convert_text(body, kind, format="gfm", outputfile=str(target), extra_args=options)
        data = target.read_bytes()
    return data if kind == "rtf" else settle(data)
