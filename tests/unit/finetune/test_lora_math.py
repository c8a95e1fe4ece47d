"""Every derivative in lora_math against PyTorch's own, in double precision."""

import torch
from torch import Tensor

from finetune import lora_math as lm

EXACT = torch.float64
SPARE = 3  # columns of a wide tensor that must stay as they are


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=EXACT)


def wide(rows: int, columns: int) -> Tensor:
    return torch.full((rows, columns + SPARE), 7.0, dtype=EXACT)


def gradients(value: Tensor, inputs: list[Tensor], dy: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value, inputs, dy)


def assert_spare_untouched(tensor: Tensor) -> None:
    assert torch.equal(tensor[:, -SPARE:], torch.full_like(tensor[:, -SPARE:], 7.0))


def test_rms_norm() -> None:
    torch.manual_seed(0)
    x, weight, dy, before = random(5, 8).requires_grad_(), random(8), random(5, 8), random(5, 8)
    expected = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-3) * weight
    out, rstd = wide(5, 8), torch.empty(5, dtype=EXACT)
    lm.rms_norm(x.detach(), weight, 1e-3, out, rstd)
    torch.testing.assert_close(out[:, :8], expected.detach())
    assert_spare_untouched(out)

    grad = wide(5, 8)
    grad[:, :8] = before
    lm.rms_norm_backward(dy, x.detach(), weight, rstd, grad)
    torch.testing.assert_close(grad[:, :8], before + gradients(expected, [x], dy)[0])
    assert_spare_untouched(grad)


def test_swiglu() -> None:
    torch.manual_seed(1)
    gate_up, dy = random(5, 12).requires_grad_(), random(5, 6)
    gate, up = gate_up.chunk(2, dim=1)
    expected = torch.nn.functional.silu(gate) * up
    out, grad = wide(5, 6), wide(5, 12)
    lm.swiglu(gate_up.detach(), out)
    torch.testing.assert_close(out[:, :6], expected.detach())
    lm.swiglu_backward(dy, gate_up.detach(), grad)
    torch.testing.assert_close(grad[:, :12], gradients(expected, [gate_up], dy)[0])
    assert_spare_untouched(out)
    assert_spare_untouched(grad)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """As in transformers: x * cos + rotate_half(x) * sin, for x [T, heads, d]."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * torch.cat((cos, cos), -1)[:, None] + turned * torch.cat((sin, sin), -1)[:, None]


def test_split_heads() -> None:
    torch.manual_seed(2)
    tokens, heads, key_heads, size = 4, 6, 2, 8
    group = heads // key_heads
    qkv = random(tokens, (heads + 2 * key_heads) * size).requires_grad_()
    angle = random(tokens, size // 2)
    cos, sin = angle.cos(), angle.sin()
    q, k, v = qkv.split([heads * size, key_heads * size, key_heads * size], dim=1)
    expected_q = rotate(q.view(tokens, heads, size), cos, sin)
    expected_q = expected_q.view(tokens, key_heads, group, size).transpose(0, 1).reshape(key_heads, -1, size)
    expected_k = rotate(k.view(tokens, key_heads, size), cos, sin).transpose(0, 1)
    expected_v = v.view(tokens, key_heads, size).transpose(0, 1)

    found = [torch.empty(key_heads, n, size, dtype=EXACT) for n in (tokens * group, tokens, tokens)]
    lm.split_heads(qkv.detach(), cos, sin, *found)
    for a, b in zip(found, (expected_q, expected_k, expected_v), strict=True):
        torch.testing.assert_close(a, b.detach())

    dy = [random(*part.shape) for part in found]
    grad = wide(*qkv.shape)
    lm.split_heads_backward(dy[0], dy[1], dy[2], cos, sin, grad)
    total = sum((a * b).sum() for a, b in zip((expected_q, expected_k, expected_v), dy, strict=True))
    torch.testing.assert_close(grad[:, : qkv.shape[1]], torch.autograd.grad(total, qkv)[0])
    assert_spare_untouched(grad)


def test_attention_between_its_products() -> None:
    """exp_rows, merge_heads and their derivatives make up causal attention with a context that all rows see."""
    torch.manual_seed(3)
    tokens, context, key_heads, group, size, scale = 5, 3, 2, 3, 4, 0.3
    q, k, v = random(key_heads, tokens * group, size), random(key_heads, 8, size), random(key_heads, 8, size)
    for x in (q, k, v):
        x.requires_grad_()
    visible = torch.arange(8) <= (torch.arange(tokens * group) // group + context)[:, None]
    scores = (q @ k.transpose(1, 2) * scale).masked_fill(~visible, float("-inf"))
    attended = scores.softmax(-1) @ v
    expected = attended.view(key_heads, tokens, group, size).transpose(0, 1).reshape(tokens, -1)

    with torch.no_grad():
        weights, inverse = (
            torch.zeros(key_heads, tokens * group, 8, dtype=EXACT),
            torch.empty(key_heads, 15, dtype=EXACT),
        )
        torch.bmm(q, k.transpose(1, 2), out=weights)
        # In two parts, the first of which does not need the last columns.
        parts = [(slice(0, 6), 5), (slice(6, 15), 8)]
        for rows, keys in parts:
            lm.exp_rows(weights, inverse, rows, keys, group, context, scale)
        weights[:, :6, 5:] = 0
        o, out = weights @ v, wide(tokens, expected.shape[1])
        lm.merge_heads(o, inverse, out)
        torch.testing.assert_close(out[:, :-SPARE], expected.detach())
        assert_spare_untouched(out)

        dy, do = random(*expected.shape), torch.empty_like(o)
        lm.merge_heads_backward(dy, inverse, do)
        dscores = do @ v.transpose(1, 2)
        for rows, keys in parts:
            lm.exp_rows_backward(dscores, weights, inverse, rows, keys, group, context, scale)
        dscores[:, :6, 5:] = 0
        found = (dscores @ k, dscores.transpose(1, 2) @ q, weights.transpose(1, 2) @ do)
    for a, b in zip(found, gradients(expected, [q, k, v], dy), strict=True):
        torch.testing.assert_close(a, b)


def test_cross_entropy() -> None:
    torch.manual_seed(4)
    logits, labels = random(4, 9).requires_grad_(), torch.tensor([0, 8, 3, 3])
    losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    chances = logits.detach().softmax(-1)
    stats, grad = torch.empty(4, 3, dtype=EXACT), logits.detach().clone()
    scales = torch.tensor([0.5, 2, 0, 1], dtype=EXACT)
    lm.cross_entropy(grad, labels, scales, stats)
    torch.testing.assert_close(stats[:, 0], losses.detach())
    torch.testing.assert_close(stats[:, 1], -(chances * chances.log()).sum(-1))
    assert stats[:, 2].tolist() == (chances.argmax(-1) == labels).tolist()
    torch.testing.assert_close(grad, torch.autograd.grad((losses * scales).sum(), logits)[0])
