"""Shares of the training data: whole records, nested, the same for the same seed."""

import pytest

from core.types import Example
from graft.learning_curve import share_of

EXAMPLES = [
    Example(id=f"{record}-{n}", question="Q?", answer="A.", tags=(f"record:{record}",))
    for record in range(20)
    for n in (0, 1)
]


@pytest.mark.parametrize(("share", "records"), [(0.1, 2), (0.25, 5), (0.5, 10), (1.0, 20), (0.001, 1)])
def test_a_share_holds_whole_records(share, records):
    kept = share_of(EXAMPLES, share, 7)
    assert len({example.record for example in kept}) == records
    assert len(kept) == 2 * records
    assert kept == [example for example in EXAMPLES if example in kept]


def test_shares_are_nested_and_follow_the_seed():
    small, large = share_of(EXAMPLES, 0.25, 7), share_of(EXAMPLES, 0.5, 7)
    assert all(example in large for example in small)
    assert share_of(EXAMPLES, 0.25, 7) == small
    assert share_of(EXAMPLES, 0.25, 8) != small
