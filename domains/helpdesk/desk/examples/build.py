"""Rows of the example files from asks: wordings, namings, tags, and the split by record."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import Any

from ..blocks import Document
from ..facts import Facts
from .absent import all_absent
from .asks import Ask, all_asks
from .pairs import all_pairs
from .split import rank, test_records
from .wordings import WORDINGS, Naming, Wording

Row = dict[str, Any]
_NAMINGS: tuple[Naming, ...] = ("named", "described")


def build(facts: Facts, documents: Sequence[Document]) -> tuple[list[Row], list[Row]]:
    """Return (training rows, test rows), each in an order that mixes kinds and formats."""
    asks = [*all_asks(facts, documents), *all_pairs(facts, documents), *all_absent(facts)]
    asks = [ask for ask in asks if rank(f"every:{ask.record}:{ask.kind}") % ask.every == 0]
    kinds: dict[str, str] = {}
    for ask in asks:
        kinds.setdefault(ask.record, f"{ask.kind} {'absent' if not ask.evidence else ''}")
    tested = test_records(kinds, [(ask.record, *ask.with_records) for ask in asks])
    train = [row for ask in asks if ask.record not in tested for row in _train_rows(ask)]
    asked: Counter[str] = Counter()
    test = [row for ask in asks if ask.record in tested for row in _test_rows(ask, asked)]
    return _ordered(train), _ordered(test)


def _ordered(rows: list[Row]) -> list[Row]:
    numbers: Counter[str] = Counter()
    for row in rows:
        numbers[row["id"]] += 1
        row["id"] = f"{row['id']}#{numbers[row['id']]}"
    return sorted(rows, key=lambda row: rank("order:" + row["id"]))


def _train_rows(ask: Ask) -> Iterator[Row]:
    possible = _namings(ask)
    one = rank(f"naming:{ask.record}:{ask.kind}") % len(possible)
    for naming in possible if ask.twice else possible[one : one + 1]:
        yield _row(ask, naming, "seen")


def _test_rows(ask: Ask, asked: Counter[str]) -> Iterator[Row]:
    """Both namings of what is asked twice, of the rest a third described; a third of each kind in unseen wordings."""
    possible = _namings(ask)
    if not ask.twice:
        possible = possible[-1:] if 3 * asked["described"] <= asked["rows"] else possible[:1]
    for naming in possible:
        wording: Wording = "unseen" if ask.questions or asked[ask.kind + naming] % 3 == 1 else "seen"
        asked.update(["rows", naming, ask.kind + naming])
        yield _row(ask, naming, wording)


def _namings(ask: Ask) -> list[Naming]:
    if ask.questions:
        return list(_NAMINGS[: len(ask.questions)])
    filled: list[tuple[Naming, Mapping[str, str]]] = [("named", ask.named), ("described", ask.described)]
    return [naming for naming, slots in filled if slots]


def _row(ask: Ask, naming: Naming, wording: Wording) -> Row:
    if ask.questions:
        question = ask.questions[naming == "described"]
    else:
        slots = ask.named if naming == "named" else ask.described
        question = _template(ask, naming, wording, slots).format_map(slots)
    tags = [f"record:{ask.record}", f"kind:{ask.kind.replace(' ', '-')}", f"naming:{naming}", f"wording:{wording}"]
    tags += [f"also:{record}" for record in ask.with_records]
    tags += ["superseded"] * ask.superseded + ["multi"] * (len({source for source, _ in ask.evidence}) > 1)
    return {
        "id": f"{ask.record}/{ask.kind}".replace(" ", "-").lower(),
        "question": question,
        "answer": ask.answer,
        "format": ask.format,
        "schema": ask.schema,
        "evidence": [{"source": source, "quote": quote} for source, quote in ask.evidence],
        "answerable": bool(ask.evidence),
        "tags": tags,
    }


def _template(ask: Ask, naming: Naming, wording: Wording, slots: Mapping[str, str]) -> str:
    """One of the templates whose slots are all there, picked by hash."""
    fitting = [t for t in WORDINGS[ask.kind][naming][wording] if _slots_of(t) <= slots.keys()]
    return min(fitting, key=lambda template: rank(f"{ask.record}:{template}"))


def _slots_of(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}
