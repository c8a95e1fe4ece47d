"""Documents for their readers, at `/documents/CORPUS/SOURCE`: where a citation leads. Knows no page and no model.

A PDF opens in the browser's own viewer (`#page=3`). Everything else is shown as the text that was read from it,
escaped, with the cited words marked (`?from=120&to=180#quote`): no document brings its own markup or scripts to this
address. `?file=1` downloads the file as it is.
"""

import base64
import hashlib
from html import escape
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, JSONResponse, Response

from core.document_links import PREFIX, document_path
from core.document_store import DocumentStore, StoredDocument, TextPiece
from core.errors import RequestError

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.15rem; overflow-wrap: anywhere; }
p.note { opacity: .75; }
.place { margin: 1.5rem 0 .25rem; font-size: .8rem; opacity: .7; }
pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 .75rem; }
mark { background: #ffe08a; color: #1a1a1a; scroll-margin-top: 30vh; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SHUT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_TEXT_POLICY = f"{_SHUT}; style-src 'sha256-{_STYLE_HASH}'; sandbox allow-downloads"
# A sandbox would keep the browser's viewer from opening it at all; the viewer runs no script of the page.
_PDF_POLICY = f"{_SHUT}; object-src 'self'; style-src 'unsafe-inline'"


def document_routes(store: DocumentStore) -> APIRouter:
    """The routes."""
    router = APIRouter()

    # Not async: reading and hashing a file blocks.
    @router.get(PREFIX + "/{corpus}/{source:path}", include_in_schema=False)
    def read(
        corpus: str,
        source: str,
        start: int | None = Query(None, alias="from", ge=0),
        end: int | None = Query(None, alias="to", ge=0),
        file: bool = False,
    ) -> Response:
        try:
            document = store.find(corpus, source)
        except RequestError as error:
            message = {"error": {"message": str(error), "type": "invalid_request_error"}}
            return JSONResponse(message, 404, headers={**_HEADERS, "Content-Security-Policy": _SHUT})
        is_pdf = document.format == "pdf"
        content = document.content() if file or is_pdf else None
        if content is None:
            return _text(document, start, end, gone=file or is_pdf)
        return _file(document, content, inline=is_pdf and not file)

    return router


def _file(document: StoredDocument, content: bytes, *, inline: bool) -> Response:
    name = PurePosixPath(document.source).name
    way = "inline" if inline else "attachment"
    headers = {
        **_HEADERS,
        "Content-Disposition": f"{way}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": _PDF_POLICY if inline else f"{_SHUT}; sandbox",
    }
    kind = "application/pdf" if inline else "application/octet-stream"
    return Response(content, media_type=kind, headers=headers)


def _text(document: StoredDocument, start: int | None, end: int | None, *, gone: bool) -> Response:
    pieces, whole = document.pieces(start)
    title = escape(document.title or document.source)
    link = f'<a href="{escape(document_path(document.corpus, document.source))}?file=1" download>Download the file</a>'
    notes = [f"{escape(document.source)} in {escape(document.corpus)}, as it was read. {'' if gone else link}"]
    if gone:
        notes.append("The file has changed or is gone since it was indexed; this is the text that was indexed.")
    if not whole:
        notes.append("A part of a long document, around the cited place.")
    body = "".join(f'<p class="note">{note}</p>' for note in notes)
    place = ""
    for piece in pieces:
        if piece.place and piece.place != place:
            body += f'<p class="place">{escape(piece.place)}</p>'
            place = piece.place
        body += f"<pre>{_marked(piece, start, end)}</pre>"
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1>{body}</body></html>"
    )
    return HTMLResponse(page, headers={**_HEADERS, "Content-Security-Policy": _TEXT_POLICY})


def _marked(piece: TextPiece, start: int | None, end: int | None) -> str:
    first = max((start or 0) - piece.start, 0)
    last = min((end or 0) - piece.start, len(piece.text))
    if start is None or end is None or first >= last:
        return escape(piece.text)
    anchor = ' id="quote"' if start >= piece.start else ""
    text = piece.text
    return f"{escape(text[:first])}<mark{anchor}>{escape(text[first:last])}</mark>{escape(text[last:])}"
