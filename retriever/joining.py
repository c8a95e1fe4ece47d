"""Chunks that stand next to each other in a document become one passage: text without a gap, one place, one citation.

A joined document lists its parts (`parts`, see core/passages.py), so that a token budget can still take some of them.
Knows rows of the index and LangChain documents; no store and no scores' meaning.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document

Row = Mapping[str, Any]
_LIMIT = 8  # chunks in one passage
_WIDEST_GAP = 400  # characters left out between neighbours: white space, a page's header or footer
_PLACE = re.compile(r"(?P<before>.*?)(?P<word>[^\W\d]+?)s? (?P<first>\d+)(?:-(?P<last>\d+))?", re.DOTALL)


@dataclass(frozen=True)
class Hit:
    """A chunk in a ranking: its row, its corpus, its score, and its place in the ranking from 0."""

    row: Row
    corpus: str
    score: float
    rank: int


def join_hits(hits: Iterable[Hit], k: int) -> list[Document]:
    """Up to `k` passages in the order of their best chunk; reads `hits`, best first, until one more would begin."""
    groups: list[list[Hit]] = []
    for hit in hits:
        beside = [group for group in groups if _touches(group, hit)]
        if not beside:
            if len(groups) == k:
                break
            groups.append([hit])
            continue
        # A chunk between two passages makes them one.
        first, *others = beside
        first += [hit, *(member for group in others for member in group)]
        first.sort(key=lambda member: member.row["ordinal"])
        groups = [group for group in groups if not any(group is other for other in others)]
    return [to_document(group) for group in groups]


def to_document(hits: Sequence[Hit]) -> Document:
    """One document of neighbouring chunks in the order of the text. The metadata are those of the whole."""
    best = min(hits, key=lambda hit: hit.rank)
    first, last = hits[0].row, hits[-1].row
    text, parts = _joined([hit.row for hit in hits])
    metadata: dict[str, Any] = {
        "corpus": best.corpus,
        "source": first["source"],
        "locator": _locator(hits),
        "score": round(best.score, 6),
        "id": best.row["id"],
        "start": first["start"],
        "end": last["end"],
        "ordinal": first["ordinal"],
        "rank": best.rank,
    }
    places = {
        "page": first["page"],
        "last_page": last["page"] if last["page"] != first["page"] else None,
        "place": _ranged([hit.row["place"] for hit in hits]),
        "first_line": first["first_line"],
        "last_line": last["last_line"],
    }
    # Chroma and filters know no None: what a format does not have is left out.
    metadata |= {key: value for key, value in places.items() if value}
    if len(hits) > 1:
        metadata["parts"] = [
            {**part, "rank": hit.rank, "locator": hit.row["locator"], **_place_of(hit.row)}
            for part, hit in zip(parts, hits, strict=True)
        ]
    return Document(page_content=text, metadata=metadata, id=best.row["id"])


def document_text(rows: Sequence[Row]) -> str:
    """The text of a whole document, from all its chunks in order."""
    return _joined(rows)[0]


def _place_of(row: Row) -> dict[str, Any]:
    keys = ("start", "end", "ordinal", "page", "place", "first_line", "last_line")
    return {key: row[key] for key in keys if row[key] is not None and row[key] != ""}


def _touches(group: Sequence[Hit], hit: Hit) -> bool:
    if len(group) >= _LIMIT or group[0].corpus != hit.corpus or group[0].row["source"] != hit.row["source"]:
        return False
    if group[0].row["headings"] != hit.row["headings"]:
        return False
    for before, after in ((group[-1].row, hit.row), (hit.row, group[0].row)):
        close = 0 <= after["start"] - before["end"] <= _WIDEST_GAP
        if after["ordinal"] == before["ordinal"] + 1 and close and _same_table(before, after):
            return True
    return False


def _header(row: Row) -> str:
    """The table header that a chunk repeats before its own rows, with its line end."""
    return row["text"][: max(0, len(row["text"]) - (row["end"] - row["start"]))]


def _same_table(before: Row, after: Row) -> bool:
    header = _header(after)
    return not header or header.strip() in before["text"]


def _joined(rows: Sequence[Row]) -> tuple[str, list[dict[str, Any]]]:
    """The text of neighbouring rows, as long as it is in the document, and where in it each of them stands."""
    text = ""
    parts = []
    for row in rows:
        header = _header(row)
        if text:
            text += _gap(rows[len(parts) - 1], row)
            parts.append({"from": len(text), "head": header})
            text += row["text"][len(header) :]
        else:
            parts.append({"from": 0, "head": ""})
            text = row["text"]
        parts[-1]["to"] = len(text)
    return text, parts


def _gap(before: Row, after: Row) -> str:
    """White space in place of what stands between two chunks, just as long, so that spans still count right."""
    size = after["start"] - before["end"]
    if before["last_line"] and after["first_line"]:
        breaks = after["first_line"] - before["last_line"]
    else:
        breaks = 2 if size > 1 else 1
    breaks = min(max(breaks, 0), size)
    return "\n" * breaks + " " * (size - breaks)


def _locator(hits: Sequence[Hit]) -> str:
    """The locator of the whole: the range of places, then the headings, which all share."""
    places = [hit.row["place"] for hit in hits]
    if not all(places):
        own = [hit.row["locator"] for hit in hits]
        return own[0] if len(set(own)) == 1 else _ranged(own) or own[0]
    headings = json.loads(hits[0].row["headings"])
    where = " > ".join(headings[-2:])
    place = _ranged(places)
    return f"{place}: {where}" if where else place


def _ranged(places: Sequence[str]) -> str:
    """`page 3` and `page 4` as `pages 3-4`; places that are no ranges of one thing are named one after the other."""
    places = [place for place in dict.fromkeys(places) if place]
    if len(places) < 2:
        return places[0] if places else ""
    found = [_PLACE.fullmatch(place) for place in places]
    first, last = found[0], found[-1]
    if first is None or last is None or any(m is None or m["before"] != first["before"] for m in found):
        return f"{places[0]} to {places[-1]}"
    return f"{first['before']}{first['word']}s {first['first']}-{last['last'] or last['first']}"
