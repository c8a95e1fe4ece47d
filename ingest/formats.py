"""Which format a file has, by its name and, where that says nothing, by its first bytes. Parses nothing."""

import re
from pathlib import PurePosixPath
from typing import Literal

# Verbatim formats keep their text as it is; the others are extracted.
Format = Literal[
    "markdown", "rst", "text", "code", "rows",
    "html", "docx", "pptx", "xlsx", "odt", "rtf", "epub", "eml", "xml", "org", "pdf",
]  # fmt: skip
VERBATIM: frozenset[str] = frozenset({"markdown", "rst", "text", "code", "rows"})

_SUFFIXES: dict[Format, str] = {
    "markdown": "md markdown mdown",
    "rst": "rst",
    "text": "txt text log tex adoc asciidoc",
    "code": "py pyi js mjs cjs ts tsx jsx java kt scala go rs c h cc cpp hpp cs rb php pl lua r jl swift m sh bash "
    "zsh ps1 bat sql css scss less vue dart ex exs erl hs clj groovy gradle tf proto graphql "
    "json yaml yml toml ini cfg conf properties env dockerfile makefile cmake diff patch",
    "rows": "csv tsv jsonl ndjson",
    "html": "html htm xhtml",
    "docx": "docx",
    "pptx": "pptx",
    "xlsx": "xlsx xlsm xls",
    "odt": "odt",
    "rtf": "rtf",
    "epub": "epub",
    "eml": "eml",
    "xml": "xml svg",
    "org": "org",
    "pdf": "pdf",
}
_BY_SUFFIX: dict[str, Format] = {suffix: kind for kind, names in _SUFFIXES.items() for suffix in names.split()}
# Names that are formats without being readable as text: said so instead of guessed at.
_BINARY = frozenset(
    re.findall(
        r"\w+",
        """png jpg jpeg gif webp bmp tif tiff ico svgz mp3 mp4 mov avi wav flac ogg zip gz bz2 xz 7z rar tar exe dll so
        woff woff2 ttf otf eot pyc class jar bin iso dmg sqlite db parquet pkl npy npz pt safetensors gguf""",
    )
)
_OFFICE_OLD = {
    "doc": "docx",
    "ppt": "pptx",
    "pages": "docx",
    "numbers": "xlsx",
    "key": "pptx",
    "msg": "eml",
    "mobi": "epub",
}


def format_of(source: str, head: bytes) -> Format:
    """The format of a file named `source` that starts with `head`. Raises ValueError with the reason to reject it."""
    name = PurePosixPath(source)
    suffix = name.suffix.lower().lstrip(".")
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if suffix in _OFFICE_OLD:
        raise ValueError(f"format .{suffix} is not supported: save it as .{_OFFICE_OLD[suffix]}")
    if suffix in _BINARY or b"\0" in head:
        raise ValueError(f"{'.' + suffix if suffix else 'binary'} files hold no text that can be read")
    return "text"
