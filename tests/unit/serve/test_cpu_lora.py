"""Grouping rows by adapter, and packed weights against the formula y += x A^T B^T."""

import pytest
import torch

from serve.cpu_lora.grouping import group_rows
from serve.cpu_lora.packing import PackedAdapter

PADDED_RANK, INPUTS, WIDTHS = 16, 24, (20, 8, 8)


def padded(rows: int, columns: int, weights: torch.Tensor) -> torch.Tensor:
    full = torch.zeros(rows, columns)
    full[: weights.shape[0], : weights.shape[1]] = weights
    return full


def adapter(ranks: tuple[int, ...]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    torch.manual_seed(sum(ranks))
    a = [padded(PADDED_RANK, INPUTS, torch.randn(r, INPUTS)) for r in ranks]
    b = [padded(n, PADDED_RANK, torch.randn(n, r)) for n, r in zip(WIDTHS, ranks, strict=True)]
    return a, b


def test_rows_of_the_base_model_are_in_no_group():
    assert group_rows([0, 0, 0], {7: 0}) == ()


def test_a_batch_of_one_adapter_is_one_group_of_all_rows():
    (group,) = group_rows([7, 7, 7], {9: 0, 7: 1})
    assert (group.slot, group.rows) == (1, None)


def test_neighbouring_rows_are_a_slice():
    (group,) = group_rows([0, 7, 7, 0], {7: 3})
    assert (group.slot, group.rows) == (3, slice(1, 3))


def test_scattered_rows_are_one_group_per_adapter():
    first, second = group_rows([7, 0, 9, 7, 9, 9], {7: 0, 9: 1})
    assert isinstance(first.rows, torch.Tensor)
    assert isinstance(second.rows, torch.Tensor)
    assert (first.slot, first.rows.tolist()) == (0, [0, 3])
    assert (second.slot, second.rows.tolist()) == (1, [2, 4, 5])


def test_an_empty_batch_has_no_groups():
    assert group_rows([], {7: 0}) == ()


@pytest.mark.parametrize("rows", [1, 2, 512, 1025])
@pytest.mark.parametrize("ranks", [(4, 4, 4), (4, 16, 1), (4, 0, 8), (0, 0, 3)])
def test_packed_adapter_adds_what_the_formula_says(rows: int, ranks: tuple[int, ...]):
    a, b = adapter(ranks)
    x = torch.randn(rows, INPUTS)
    y = torch.randn(rows, sum(WIDTHS))
    expected = y + torch.cat([x @ a_i.T @ b_i.T for a_i, b_i in zip(a, b, strict=True)], dim=1)
    packed = PackedAdapter(a, b, torch.float32)
    packed.add_to(y, x)
    assert packed.rank == sum(ranks)
    assert torch.allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_scale_multiplies_the_adapters_part_only():
    a, b = adapter((4, 4, 4))
    x, y = torch.randn(3, INPUTS), torch.randn(3, sum(WIDTHS))
    part = torch.cat([x @ a_i.T @ b_i.T for a_i, b_i in zip(a, b, strict=True)], dim=1)
    expected = y + 0.5 * part
    PackedAdapter(a, b, torch.float32).add_to(y, x, scale=0.5)
    assert torch.allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 5, 1025])
def test_padding_columns_of_the_output_stay(rows: int):
    a, b = adapter((4, 4, 4))
    y = torch.zeros(rows, sum(WIDTHS) + 3)
    PackedAdapter(a, b, torch.float32).add_to(y, torch.randn(rows, INPUTS))
    assert torch.all(y[:, sum(WIDTHS) :] == 0)
    assert torch.any(y[:, : sum(WIDTHS)] != 0)


def test_an_empty_slot_adds_nothing():
    a, b = adapter((0, 0, 0))
    y = torch.ones(2, sum(WIDTHS))
    PackedAdapter(a, b, torch.float32).add_to(y, torch.randn(2, INPUTS))
    assert torch.all(y == 1)
