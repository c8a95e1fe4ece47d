"""Rows into packs: nothing is lost, what is shared is computed once, workers get like amounts."""

import random

import torch

from finetune.fast_packs import Row, make_pack, plan, read_rows


def row(*tokens: int, labelled: int = 2) -> Row:
    return Row(list(tokens), [-100] * (len(tokens) - labelled) + list(tokens[-labelled:]))


def test_padding_and_rows_without_labels_go() -> None:
    ids = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7], [8, 9, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 0, 0]])
    labels = torch.tensor([[-100, -100, 3, -100], [-100, -100, -100, 7], [8, -100, -100, -100]])
    # The label of a first token has nothing before it that could predict it.
    assert read_rows(ids, mask, labels) == [Row([1, 2, 3], [-100, -100, 3]), Row([4, 5, 6, 7], [-100] * 3 + [7])]


def test_a_single_row_is_its_own_pack() -> None:
    pack = make_pack([row(10, 11, 12, 13)])
    assert pack.tokens.tolist() == [10, 11, 12, 13] + [0] * 60  # filled up
    assert [(s.start, s.stop, s.context) for s in pack.segments] == [(0, 64, 0)]
    assert pack.rows.tolist() == [1, 2]
    assert pack.labels.tolist() == [12, 13]


def test_a_shared_beginning_is_there_once() -> None:
    begin = list(range(100, 130))
    pack = make_pack([row(*begin, 1, 2, 3), row(*begin, 4, 5, 6, 7)])
    rest = begin[16:]  # sixteen tokens are shared, not thirty: few lengths, few shapes to compile
    assert pack.tokens.tolist() == [*begin, 1, 2, 3, *[0] * 15, *rest, 4, 5, 6, 7, *[0] * 62]
    assert pack.positions.tolist() == [*range(16), *range(16, 48), *range(16, 96)]
    assert [(s.start, s.stop, s.context) for s in pack.segments] == [(0, 16, 0), (16, 48, 16), (48, 128, 16)]
    assert pack.tokens[pack.rows + 1].tolist() == pack.labels.tolist() == [2, 3, 6, 7]


def test_labels_never_depend_on_another_rows_tokens() -> None:
    # Two equal rows: the token before the first label has to be each row's own.
    begin = list(range(100, 131))
    pack = make_pack([row(*begin, 1, 2), row(*begin, 1, 2)])
    assert pack.segments[0].stop == 16  # of 33 that are alike, the last before the labels left out
    assert len(pack.labels) == 4
    assert len(set(pack.rows.tolist())) == 4


def test_plan_keeps_every_label_and_balances() -> None:
    draw = random.Random(0)
    rows = [row(*(draw.randrange(5, 900) for _ in range(draw.randrange(300, 700))), labelled=9) for _ in range(8)]
    shares = plan(rows, workers=2)
    labels = sorted(label for share in shares for pack in share for label in pack.labels.tolist())
    assert labels == sorted(token for r in rows for token in r.tokens[-9:])
    loads = [sum(pack.tokens.numel() for pack in share) for share in shares]
    assert len(loads) == 2
    assert max(loads) < 1.15 * min(loads)


def test_plan_prefers_sharing_and_respects_the_limit() -> None:
    begin = list(range(1000, 1200))
    rows = [row(*begin, *range(n, n + 100)) for n in range(8)]
    shares = plan(rows, workers=2, pack_tokens=10_000)
    assert sum(pack.tokens.numel() for share in shares for pack in share) < 1300  # 2,400 without sharing
    single = plan(rows, workers=2, pack_tokens=300)
    assert sum(len(share) for share in single) == 8


def test_rows_over_the_same_passages_are_one_pack_beside_others_that_only_begin_alike() -> None:
    persona = list(range(100, 140))
    families = [[*persona, *range(start, start + 200)] for start in (1000, 2000, 3000, 4000)]
    rows = [row(*family, *range(n * 20, n * 20 + 20)) for family in families for n in range(4)]
    random.Random(0).shuffle(rows)
    shares = plan(rows, workers=2)
    packs = [pack for share in shares for pack in share]
    assert sorted(pack.tokens.numel() for pack in packs) == [240 + 3 * 32 + 48] * 4
    assert [len(share) for share in shares] == [2, 2]


def test_a_lone_family_is_cut_for_the_second_worker() -> None:
    begin = list(range(1000, 1040))
    shares = plan([row(*begin, *range(n * 30, n * 30 + 30)) for n in range(8)], workers=2)
    assert [sum(pack.tokens.numel() for pack in share) for share in shares] == [32 + 3 * 48 + 80] * 2


def test_fewer_rows_than_workers() -> None:
    assert len(plan([row(1, 2, 3, 4)], workers=4)) == 1
