"""The order of an epoch: complete, grouped, another one in each epoch, the same for the same seed."""

from itertools import groupby

from finetune.group_sampler import GroupSampler

GROUPS = [f"g{n % 5}" for n in range(20)] + ["closed"] * 11 + ["alone"]


def runs(sampler: GroupSampler) -> list[tuple[str, int]]:
    return [(name, len(list(members))) for name, members in groupby(GROUPS[i] for i in sampler)]


def test_every_row_comes_once_and_groups_stay_together() -> None:
    sampler = GroupSampler(GROUPS, seed=7)
    assert sorted(sampler) == list(range(len(GROUPS)))
    assert len(sampler) == len(GROUPS)
    assert all(count == 4 for name, count in runs(sampler) if name.startswith("g"))


def test_a_large_group_is_spread() -> None:
    counts = [count for name, count in runs(GroupSampler(GROUPS, seed=7)) if name == "closed"]
    assert sum(counts) == 11
    assert len(counts) > 1


def test_seed_and_epoch_alone_decide_the_order() -> None:
    first, second = GroupSampler(GROUPS, seed=7), GroupSampler(GROUPS, seed=7)
    assert list(first) == list(second)
    first.set_epoch(1)
    assert list(first) != list(second)
    second.set_epoch(1)
    assert list(first) == list(second)
