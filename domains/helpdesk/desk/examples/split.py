"""Which records are asked in the test set. Records that share an example stay together.

Decided by hashes of ids, so that order and wording change nothing.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

TEST_SHARE = 0.26


def rank(text: str) -> int:
    """A number that looks random but belongs to `text`: the first 8 bytes of its SHA-256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def test_records(records: Mapping[str, str], links: Iterable[Sequence[str]]) -> set[str]:
    """The test records among `records` (id -> kind). Ids of one link are never divided.

    Of every mixture of kinds the same share is taken, so that small kinds are in both files.
    """
    groups = _groups(records, links)
    mixtures: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for group in groups:
        mixtures[tuple(sorted({records[id] for id in group}))].append(group)
    chosen: set[str] = set()
    for members in mixtures.values():
        ordered = sorted(members, key=lambda group: rank(f"split:{group[0]}"))
        for group in ordered[: round(TEST_SHARE * len(ordered))]:
            chosen.update(group)
    return chosen


def _groups(records: Mapping[str, str], links: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    leader = {id: id for id in records}

    def find(id: str) -> str:
        while leader[id] != id:
            id = leader[id]
        return id

    for link in links:
        for other in link[1:]:
            leader[find(other)] = find(link[0])
    groups: dict[str, list[str]] = defaultdict(list)
    for id in sorted(records):
        groups[find(id)].append(id)
    return [tuple(ids) for ids in groups.values()]
