"""Which format a file has: the one that its name claims, if its content agrees. Parses nothing.

A name that its content contradicts is refused with the true format, never guessed around: whoever sees the message
knows which of the two to mend. A name that claims nothing leaves the content to decide.
"""

from pathlib import PurePosixPath
from typing import Literal, cast

from ingest.signatures import Signature, signature_of

# Verbatim formats keep their text as it is; the others are extracted.
Format = Literal[
    "markdown", "rst", "text", "code", "rows", "json",
    "html", "docx", "pptx", "xlsx", "xls", "odt", "rtf", "epub", "eml", "xml", "org", "pdf",
]  # fmt: skip
VERBATIM: frozenset[str] = frozenset({"markdown", "rst", "text", "code", "rows", "json"})
# Formats with a signature: without it, a file is none of them.
_SIGNED: frozenset[str] = frozenset({"docx", "pptx", "xlsx", "xls", "odt", "rtf", "epub", "pdf"})

_SUFFIXES: dict[Format, str] = {
    "markdown": "md markdown mdown",
    "rst": "rst",
    "text": "txt text log tex adoc asciidoc",
    "code": "py pyi js mjs cjs ts tsx jsx java kt scala go rs c h cc cpp hpp cs rb php pl lua r jl swift m sh bash "
    "zsh ps1 bat sql css scss less vue dart ex exs erl hs clj groovy gradle tf proto graphql "
    "yaml yml toml ini cfg conf properties env dockerfile makefile cmake diff patch",
    "json": "json geojson ipynb webmanifest",
    "rows": "csv tsv jsonl ndjson",
    "html": "html htm xhtml",
    "docx": "docx docm",
    "pptx": "pptx pptm",
    "xlsx": "xlsx xlsm",
    "xls": "xls",
    "odt": "odt",
    "rtf": "rtf",
    "epub": "epub",
    "eml": "eml",
    "xml": "xml svg rss atom",
    "org": "org",
    "pdf": "pdf",
}
_BY_SUFFIX: dict[str, Format] = {suffix: kind for kind, names in _SUFFIXES.items() for suffix in names.split()}
# Names that are formats without being readable as text: said so instead of guessed at.
_BINARY = """png jpg jpeg gif webp bmp tif tiff ico heic svgz mp3 mp4 mov avi mkv wav flac ogg m4a zip gz tgz bz2 xz zst
7z rar tar exe dll so dylib o a woff woff2 ttf otf eot pyc class jar bin iso dmg sqlite db parquet arrow pkl npy npz pt
safetensors gguf onnx psd ai""".split()  # noqa: SIM905 - a list of 60 short strings reads worse
_OTHERS = {
    "doc": "docx", "dot": "docx", "pages": "docx", "wpd": "docx", "ppt": "pptx", "key": "pptx", "odp": "pptx",
    "numbers": "xlsx", "ods": "xlsx", "xlsb": "xlsx", "msg": "eml", "mobi": "epub", "azw3": "epub",
}  # fmt: skip


def format_of(source: str, data: bytes) -> Format:
    """The format of the file `source` with the content `data`. Raises ValueError with the reason to reject it."""
    suffix = PurePosixPath(source).suffix.lower().lstrip(".")
    if suffix in _OTHERS:
        raise ValueError(f"format .{suffix} is not supported: save it as .{_OTHERS[suffix]}")
    if suffix in _BINARY:
        raise ValueError(f".{suffix} files hold no text that can be read")
    claimed, found = _BY_SUFFIX.get(suffix), signature_of(data)
    if claimed == "pdf" and found is None and b"%PDF-" in data[:1024]:
        return "pdf"  # some programs write a line of their own before the PDF
    if claimed is None:
        return _unclaimed(found)
    if claimed in _SIGNED and (found is None or found.format != claimed):
        if found is None or found.name == "a damaged ZIP archive":
            raise ValueError(f"is no .{suffix}: damaged, or another format under this name")
        raise ValueError(f"is {found.name}, but named .{suffix}{_remedy(found.format)}")
    if claimed not in _SIGNED and found is not None and found.format != "html":
        raise ValueError(f"is {found.name}, but named .{suffix}{_remedy(found.format)}")
    return claimed


def may_be(source: str, kind: Format) -> bool:
    """Whether a file of this name is read as `kind`, if its content agrees."""
    suffix = PurePosixPath(source).suffix.lower().lstrip(".")
    return suffix not in _OTHERS and suffix not in _BINARY and _BY_SUFFIX.get(suffix, kind) == kind


def _unclaimed(found: Signature | None) -> Format:
    if found is None:
        return "text"
    if not found.format:
        raise ValueError(f"is {found.name}, which holds no text that can be read")
    return cast(Format, found.format)


def _remedy(kind: str) -> str:
    return f": rename it to .{_SUFFIXES[cast(Format, kind)].split()[0]}" if kind else ""
