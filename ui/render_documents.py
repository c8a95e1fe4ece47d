"""HTML of the documents' page: the table, a document's chunks, hits with their scores, uploads. Knows no Gradio."""

import math
from collections.abc import Sequence

from core.corpus_desk import ChunkRow, CorpusRow, DocumentPage, DocumentRow, ExplainedHit, FileState, FolderRow
from core.document_links import place_path
from core.types import Passage
from ui.language import marked, spoken, t
from ui.safe_html import escape

PAGE_ROWS = 50
PAGE_CHUNKS = 20
_STATES = {"waiting": marked("waiting"), "indexed": marked("indexed"), "rejected": marked("rejected")}
_HIT_HELP = marked(
    "By meaning: rank and cosine. By words: rank and score in the full-text index. Names: bonus for a name that is "
    "defined or held here. Best line: how much of the question one line holds."
)


def documents_html(page: DocumentPage, corpus: str, offset: int, opened: str | None) -> str:
    """The table of documents from `offset` on, and how many there are."""
    total = t("{count} indexed", count=f"{page.indexed:,}")
    if page.rejected:
        total = t(", ").join([total, t("{count} rejected", count=f"{page.rejected:,}")])
    if not page.rows:
        return f'<p class="note">{total}</p><p class="empty">{t("No document fits.")}</p>'
    rows = "".join(_row(row, corpus, opened=row.source == opened) for row in page.rows)
    head = _head(t("Document"), t("State"), t("Format"), t("Chunks"), t("Size"), t("Actions"))
    table = f'<table class="documents">{head}<tbody>{rows}</tbody></table>'
    return f'<p class="note">{total}</p>{table}{_pager("documents", offset, PAGE_ROWS, page.found)}'


def chunks_html(source: str, chunks: Sequence[ChunkRow], offset: int, count: int) -> str:
    """The chunks of one document, as they were cut."""
    items = "".join(
        f'<li><p class="at"><span class="number">{number}</span> {escape(_where(chunk))}</p>'
        f'<div class="text">{escape(chunk.text)}</div></li>'
        for number, chunk in enumerate(chunks, start=offset + 1)
    )
    inside = (
        f'<ol class="chunks">{items}</ol>' if items else f'<p class="empty">{t("This document has no chunks.")}</p>'
    )
    close = f'<button type="button" class="desk-action" value="close">{t("Close")}</button>'
    section = f'section class="opened" aria-label="{escape(t("Chunks"))}" tabindex="-1"'
    return (
        f"<{section}><header><h3>{escape(source)}</h3>{close}</header>"
        f"{inside}{_pager('chunks', offset, PAGE_CHUNKS, count)}</section>"
    )


def hits_html(hits: Sequence[ExplainedHit], corpus: str) -> str:
    """What a search found, and what each part of the retriever made of it."""
    if not hits:
        return f'<p class="empty">{t("Nothing found.")}</p>'
    head = _head("", t("Passage"), t("Score"), t("By meaning"), t("By words"), t("Names"), t("Best line"))
    rows = "".join(_hit(number, hit, corpus) for number, hit in enumerate(hits, start=1))
    table = f'<table class="hits">{head}<tbody>{rows}</tbody></table>'
    return f'{table}<p class="note">{t(_HIT_HELP)}</p>'


def uploads_html(files: Sequence[FileState], stage: str = "", share: float | None = None) -> str:
    """How far each uploaded file has come, and the work on all of them."""
    if not files:
        return ""
    items = "".join(
        f'<li class="{file.state}"><span class="dot"></span><span class="name">{escape(file.name)}</span>'
        f'<span class="state">{t(_STATES[file.state])}</span>'
        + (f'<span class="reason">{escape(spoken(file.reason))}</span>' if file.reason else "")
        + "</li>"
        for file in files
    )
    bar = ""
    if share is not None:
        done = f"{max(0.0, min(1.0, share)):.0%}"
        bar = f'<p class="note">{escape(stage)} {done}</p><div class="bar"><span style="width:{done}"></span></div>'
    return f'<ul class="uploads" role="status">{items}</ul>{bar}'


def folders_html(folders: Sequence[FolderRow]) -> str:
    """The folders of a collection, each with its state and what can be done about it."""
    if not folders:
        return f'<p class="note">{escape(t("None yet."))}</p>'
    return f'<ul class="folders">{"".join(map(_folder, folders))}</ul>'


def remove_html(row: CorpusRow) -> str:
    """The button that removes a collection; nothing for one that was not created on the page."""
    if not row.created:
        words = t("The documents of another domain: add to them where that domain is served.")
        return f'<p class="note">{escape(words)}</p>' if row.foreign else ""
    ask = escape(
        t("Remove the collection {title}? Its uploads and its index go; watched folders stay.", title=row.title)
    )
    button = f'button type="button" class="desk-action bad" value="remove" data-source="{escape(row.name)}"'
    return f'<{button} data-ask="{ask}">{escape(t("Remove this collection"))}</button>'


def _folder(row: FolderRow) -> str:
    path, kind = escape(row.path), "rejected" if row.trouble else "indexed" if row.watching else "off"
    button = f'button type="button" class="desk-action" data-source="{path}"'
    ask = escape(
        t("Take {folder} out of the collection? Its documents leave the index; the files stay.", folder=row.path)
    )
    words, value = (t("Stop watching"), "unwatch") if row.watching else (t("Watch again"), "watch")
    return (
        f'<li class="{kind}"><span class="dot"></span><span class="name" title="{path}">{path}</span>'
        f'<span class="state">{escape(spoken(row.state))}</span>'
        f'<span class="actions"><{button} value="{value}">{escape(words)}</button>'
        f'<{button} value="forget" data-ask="{ask}">{escape(t("Take out"))}</button></span></li>'
    )


def _head(*names: str) -> str:
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    return f"<thead><tr>{cells}</tr></thead>"


def _row(row: DocumentRow, corpus: str, *, opened: bool) -> str:
    about = [f'<span class="title">{escape(row.title)}</span>'] if row.title and row.title != row.source else []
    about += [f'<span class="reason">{escape(spoken(words))}</span>' for words in (row.reason, row.notes) if words]
    source = escape(row.source)
    name = f'<span class="file">{source}</span>'
    actions = ""
    if row.state == "indexed":
        place = Passage(number=0, source=row.source, locator="", text="", corpus=corpus)
        name = f'<a class="file" href="{escape(place_path(place, corpus))}" target="_blank" rel="noopener">{source}</a>'
        actions += (
            f'<button type="button" class="desk-action" value="open" data-source="{source}">{t("Chunks")}</button>'
        )
    if row.uploaded:
        ask = escape(t("Delete {source}? Its file and its chunks go.", source=row.source))
        button = f'button type="button" class="desk-action bad" value="delete" data-source="{source}"'
        actions += f'<{button} data-ask="{ask}">{t("Delete")}</button>'
    return (
        f'<tr class="{row.state}{" opened" if opened else ""}"><th scope="row">{name}{"".join(about)}</th>'
        f'<td><span class="badge {"good" if row.state == "indexed" else "bad"}">{t(_STATES[row.state])}</span></td>'
        f'<td>{escape(row.format)}</td><td data-label="{escape(t("Chunks"))}">{row.chunks:,}</td>'
        f"<td>{_size(row.size)}</td>"
        f'<td class="actions">{actions}</td></tr>'
    )


def _hit(number: int, hit: ExplainedHit, corpus: str) -> str:
    place = Passage(
        number=number,
        source=hit.source,
        locator=hit.locator,
        text="",
        corpus=corpus,
        start=hit.start,
        end=hit.end,
        page=hit.page,
    )
    link = f'<a href="{escape(place_path(place, corpus))}" target="_blank" rel="noopener">{escape(hit.source)}</a>'
    where = f'<span class="title">{escape(hit.locator)}</span>' if hit.locator else ""
    beginning, text = escape(_beginning(hit.text)), escape(hit.text)
    text = f'<details><summary>{beginning}</summary><div class="text">{text}</div></details>'
    return (
        f'<tr><td>{number}</td><th scope="row">{link}{where}{text}</th>'
        f'<td data-label="{escape(t("Score"))}">{hit.score:.3f}</td>'
        f'<td data-label="{escape(t("By meaning"))}">{_part(hit.meaning_rank, hit.meaning)}</td>'
        f'<td data-label="{escape(t("By words"))}">{_part(hit.words_rank, hit.words)}</td>'
        f'<td data-label="{escape(t("Names"))}">{hit.names:.2f}</td>'
        f'<td data-label="{escape(t("Best line"))}">{hit.line:.2f}</td></tr>'
    )


def _part(rank: int | None, score: float | None) -> str:
    if rank is None or score is None:
        return f'<span class="none">{t("not found")}</span>'
    return f"{rank}. ({score:.2f})"


def _pager(what: str, offset: int, step: int, count: int) -> str:
    if count <= step:
        return ""
    button = 'button type="button" class="desk-action"'
    back = f'<{button} value="{what} {max(0, offset - step)}">{t("Previous")}</button>' if offset else ""
    on = f'<{button} value="{what} {offset + step}">{t("Next")}</button>' if offset + step < count else ""
    last = min(offset + step, count)
    shown = t("{first} to {last} of {count}", first=f"{offset + 1:,}", last=f"{last:,}", count=f"{count:,}")
    return f'<p class="pager"><span>{shown}</span>{back}{on}</p>'


def _where(chunk: ChunkRow) -> str:
    locator = " › ".join(part.strip() for part in chunk.locator.split(" > "))
    place = chunk.place if chunk.place and chunk.place not in chunk.locator else ""
    characters = t("characters {start} to {end}", start=f"{chunk.start:,}", end=f"{chunk.end:,}")
    return " · ".join(part for part in (locator, place, characters) if part)


def _beginning(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= 90 else f"{folded[:89]}…"


def _size(size: int) -> str:
    if size < 2**20:
        return f"{math.ceil(size / 1024):,} KiB"  # a file of one line is not 0
    return f"{size / 2**20:,.1f} MiB"
