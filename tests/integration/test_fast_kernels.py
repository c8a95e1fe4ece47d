"""The compiled passes compute in bfloat16 and in float32 what lora_math computes."""

from typing import Any

import pytest
import torch
from torch import Tensor

from finetune import fast_kernels, lora_math

pytestmark = pytest.mark.integration

TOKENS, KEY_HEADS, GROUP, SIZE = 37, 2, 3, 16
ROWS = TOKENS * GROUP


kind = torch.bfloat16


def half(*shape: int) -> Tensor:
    return torch.randn(*shape).to(kind)


def both(name: str, *args: Any) -> tuple[list[Any], list[Any]]:
    """Run a function of both modules on copies of the arguments; returns the copies."""
    found = []
    for module in (fast_kernels, lora_math):
        copies = [x.clone() if isinstance(x, Tensor) else x for x in args]
        getattr(module, name)(*copies)
        found.append(copies)
    return found[0], found[1]


def assert_same(found: list[Any], expected: list[Any]) -> None:
    for a, b in zip(found, expected, strict=True):
        if isinstance(a, Tensor) and a.is_floating_point():
            close = 2e-2 if kind == torch.bfloat16 else 1e-4
            torch.testing.assert_close(a.float(), b.float(), rtol=close, atol=close)


@pytest.fixture(autouse=True, params=[torch.bfloat16, torch.float32], ids=["bfloat16", "float32"])
def _seed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(request.module, "kind", request.param)


@pytest.mark.parametrize("width", [8, 576])
def test_rms_norm(width: int) -> None:
    x, weight = half(TOKENS, width), torch.rand(width)
    found, expected = both("rms_norm", x, weight, 1e-5, half(TOKENS, width + 4), torch.empty(TOKENS))
    assert_same(found, expected)
    assert_same(*both("rms_norm_backward", half(TOKENS, width), x, weight, expected[4], half(TOKENS, width + 4)))


def test_swiglu() -> None:
    gate_up = half(TOKENS, 80) * 6
    assert_same(*both("swiglu", gate_up, half(TOKENS, 44)))
    assert_same(*both("swiglu_backward", half(TOKENS, 40), gate_up, half(TOKENS, 84)))


def test_split_and_merge_heads() -> None:
    width = (KEY_HEADS * GROUP + 2 * KEY_HEADS) * SIZE
    angle = torch.rand(TOKENS, SIZE // 2)
    parts = [half(KEY_HEADS, n, SIZE) for n in (ROWS, TOKENS, TOKENS)]
    assert_same(*both("split_heads", half(TOKENS, width), angle.cos(), angle.sin(), *parts))
    assert_same(*both("split_heads_backward", *parts, angle.cos(), angle.sin(), half(TOKENS, width + 4)))
    inverse = torch.rand(KEY_HEADS, ROWS)
    assert_same(*both("merge_heads", parts[0], inverse, half(TOKENS, KEY_HEADS * GROUP * SIZE + 4)))
    assert_same(*both("merge_heads_backward", half(TOKENS, KEY_HEADS * GROUP * SIZE), inverse, parts[0]))


@pytest.mark.parametrize("context", [0, 5, 100])
def test_attention_rows(context: int) -> None:
    keys = context + TOKENS
    width = -(-keys // 64) * 64
    rows = slice(0, ROWS)
    scores = half(KEY_HEADS, ROWS, width) * 4
    inverse = torch.empty(KEY_HEADS, ROWS)
    found, expected = both("exp_rows", scores, inverse, rows, keys, GROUP, context, 0.25)
    assert_same([found[0][..., :keys], found[1]], [expected[0][..., :keys], expected[1]])
    assert not found[0][0, 0, context + 1 : keys].any()
    args = (half(KEY_HEADS, ROWS, width), expected[0], expected[1], rows, keys, GROUP, context, 0.25)
    found, expected = both("exp_rows_backward", *args)
    assert_same([found[0][..., :keys]], [expected[0][..., :keys]])


def test_cross_entropy() -> None:
    labels = torch.randint(0, 1000, (9,))
    found, expected = both("cross_entropy", half(9, 1000) * 3, labels, torch.rand(9), torch.empty(9, 3))
    assert_same(found, expected)


def test_a_number_that_is_not_one_shows() -> None:
    scores = half(1, 3, 64)
    scores[0, 1, 0] = float("nan")
    inverse = torch.empty(1, 3)
    fast_kernels.exp_rows(scores, inverse, slice(0, 3), 3, 1, 0, 1.0)
    assert inverse.isnan().tolist() == [[False, True, False]]
