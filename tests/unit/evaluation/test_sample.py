"""A stratified sample: shares kept, same for the same seed."""

from collections import Counter

from core.types import Example
from evaluation.sample import stratified


def examples() -> list[Example]:
    rows = []
    for number in range(120):
        format = "json" if number % 3 else "text"
        answerable = number % 4 != 0
        answer = None if not answerable else {"a": 1} if format == "json" else "yes"
        tags = (f"record:{number}", f"wording:{'seen' if number % 2 else 'unseen'}")
        rows.append(
            Example(id=str(number), question="Q?", answer=answer, format=format, answerable=answerable, tags=tags)
        )
    return rows


def test_every_stratum_keeps_its_share_within_one():
    all_of_them = examples()
    label = lambda e: (e.answerable, e.format, e.tags[1])  # noqa: E731
    whole, drawn = Counter(map(label, all_of_them)), Counter(map(label, stratified(all_of_them, 30, 1)))
    assert sum(drawn.values()) == 30
    assert len(whole) == 6
    for kind, count in whole.items():
        assert abs(drawn[kind] - count / 4) <= 1, kind


def test_records_do_not_split_strata():
    drawn = stratified(examples(), 12, 1)
    assert sum(not e.answerable for e in drawn) == 3


def test_seed_decides_and_file_order_stays():
    first, again, other = (stratified(examples(), 20, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert [int(e.id) for e in first] == sorted(int(e.id) for e in first)
    assert len({e.id for e in first}) == 20


def test_no_limit_or_a_large_one_is_everything():
    assert stratified(examples(), None, 1) == examples()
    assert stratified(examples(), 500, 1) == examples()
    assert len(stratified(examples(), 1, 1)) == 1
