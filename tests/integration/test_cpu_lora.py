"""The LoRA wrapper inside vLLM's own classes, against the formula row by row; and that the plugin puts it in place."""

import pytest
import torch

from tests.support.processors import skip_where_rows_are_not_known_to_be_independent

pytestmark = pytest.mark.integration

SLOTS, RANK, INPUTS, WIDTHS = 3, 16, 64, (48, 16, 16)
IDS = [11, 22, None]  # adapter id per slot


@pytest.fixture(scope="module")
def wrapper_class():
    from vllm.platforms import current_platform

    from serve.cpu_lora import register

    if not current_platform.is_cpu():
        pytest.skip("the operators are for CPU builds of vLLM")
    register()
    from serve.cpu_lora.wrapper import GroupedPunicaWrapper

    return GroupedPunicaWrapper


@pytest.fixture
def wrapper(wrapper_class):
    return wrapper_class(256, 16, "cpu", max_loras=SLOTS)


def route(wrapper, adapters: list[int]) -> None:
    from vllm.lora.layers import LoRAMapping

    mapping = LoRAMapping(tuple(adapters), tuple(adapters), is_prefill=True)
    wrapper.update_metadata(mapping, IDS, SLOTS, 1000)


def stacked(ranks: tuple[int, ...] = (4, 16, 8)) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
    """Random weights of another rank in each slot, padded with zeros as vLLM does."""
    torch.manual_seed(1)
    a = tuple(torch.zeros(SLOTS, 1, RANK, INPUTS, dtype=torch.bfloat16) for _ in WIDTHS)
    b = tuple(torch.zeros(SLOTS, 1, n, RANK, dtype=torch.bfloat16) for n in WIDTHS)
    for slot, r in enumerate(ranks):
        for a_i, b_i in zip(a, b, strict=True):
            a_i[slot, 0, :r] = torch.randn(r, INPUTS) / 8
            b_i[slot, 0, :, :r] = torch.randn(b_i.shape[2], r) / 4
    return a, b


def expected(y, x, a, b, adapters: list[int]) -> torch.Tensor:
    result = y.float().clone()
    for row, adapter in enumerate(adapters):
        if adapter:
            slot = IDS.index(adapter)
            parts = [
                x[row].float() @ a_i[slot, 0].float().T @ b_i[slot, 0].float().T for a_i, b_i in zip(a, b, strict=True)
            ]
            result[row] += torch.cat(parts)
    return result


def test_plugin_is_what_vllm_uses(wrapper_class):
    from vllm.lora.punica_wrapper.punica_selector import get_punica_wrapper

    assert type(get_punica_wrapper(256, 16, "cpu", max_loras=SLOTS)) is wrapper_class


@pytest.mark.parametrize(
    "adapters",
    [
        [11],
        [11] * 100,
        [22] * 7,
        [0, 0, 0],
        [0] * 70 + [11] * 70 + [22] * 5,
        [11, 0, 22, 22, 0, 11, 0],
    ],
    ids=["one", "prefill", "decode", "base", "segments", "scattered"],
)
def test_every_row_gets_its_own_adapter(wrapper, adapters: list[int]):
    a, b = stacked()
    x = torch.randn(len(adapters), INPUTS, dtype=torch.bfloat16)
    y = torch.randn(len(adapters), sum(WIDTHS), dtype=torch.bfloat16)
    wanted, before = expected(y, x, a, b, adapters), y.clone()
    route(wrapper, adapters)
    wrapper.add_lora_linear(y, x, a, b, 1.0, WIDTHS)
    assert torch.allclose(y.float(), wanted, rtol=0.03, atol=0.06)
    base = torch.tensor(adapters) == 0
    assert torch.equal(y[base], before[base])  # untouched to the last bit


@pytest.mark.parametrize("inputs", [576, 1536])
def test_a_row_is_the_same_to_the_bit_among_any_number_of_rows(wrapper_class, inputs: int):
    skip_where_rows_are_not_known_to_be_independent()
    torch.manual_seed(2)
    total, widths = 1024, (192, 64)
    wrapper = wrapper_class(total, 16, "cpu", max_loras=SLOTS)
    a = tuple(torch.randn(SLOTS, 1, RANK, inputs, dtype=torch.bfloat16) / 20 for _ in widths)
    b = tuple(torch.randn(SLOTS, 1, n, RANK, dtype=torch.bfloat16) / 20 for n in widths)
    base = torch.randn(sum(widths), inputs, dtype=torch.bfloat16) / 20
    x = torch.randn(total, inputs, dtype=torch.bfloat16)

    from vllm import _custom_ops as ops

    handler = ops.create_onednn_mm(base.t(), 32)

    def layer(rows: int) -> torch.Tensor:
        """All rows, that many at a time, by the base and the adapter."""
        done = []
        for start in range(0, total, rows):
            part = x[start : start + rows].contiguous()
            route(wrapper, [11] * len(part))
            y = ops.onednn_mm(handler, part, None)
            wrapper.add_lora_linear(y, part, a, b, 1.0, widths)
            done.append(y)
        return torch.cat(done)

    together = layer(total)
    for rows in (1, 2, 8, 64, 100):
        assert torch.equal(layer(rows), together), rows


def test_other_weights_in_a_slot_are_noticed(wrapper):
    a, b = stacked()
    x = torch.randn(3, INPUTS, dtype=torch.bfloat16)
    route(wrapper, [11, 11, 11])
    wrapper.add_lora_linear(torch.zeros(3, sum(WIDTHS), dtype=torch.bfloat16), x, a, b, 1.0, WIDTHS)
    for a_i, b_i in zip(a, b, strict=True):  # as vLLM's reset_lora and set_lora do
        a_i[0], b_i[0] = 0, 0
        a_i[0, 0, :2].copy_(torch.ones(2, INPUTS))
        b_i[0, 0, :, :2].copy_(torch.ones(b_i.shape[2], 2))
    y = torch.zeros(3, sum(WIDTHS), dtype=torch.bfloat16)
    wrapper.add_lora_linear(y, x, a, b, 1.0, WIDTHS)
    assert torch.allclose(y.float(), expected(torch.zeros(y.shape), x, a, b, [11] * 3), rtol=0.03, atol=0.06)


def test_lm_head_rows_get_their_own_adapter(wrapper):
    a, b = stacked()
    adapters = [22, 0, 11]
    x, y = torch.randn(3, INPUTS, dtype=torch.bfloat16), torch.randn(3, WIDTHS[0], dtype=torch.bfloat16)
    wanted, before = expected(y, x, a[:1], b[:1], adapters), y.clone()
    route(wrapper, adapters)
    wrapper.add_lora_logits(y, x, a[0], b[0], 1.0)
    assert torch.allclose(y.float(), wanted, rtol=0.03, atol=0.06)
    assert torch.equal(y[1], before[1])


def test_sharded_path_shrinks_and_expands_by_row(wrapper):
    a, b = stacked()
    adapters = [22, 0, 11, 22]
    x, y = torch.randn(4, INPUTS, dtype=torch.bfloat16), torch.randn(4, sum(WIDTHS), dtype=torch.bfloat16)
    wanted, before = expected(y, x, a, b, adapters), y.clone()
    route(wrapper, adapters)
    buffers = torch.zeros(len(WIDTHS), 4, RANK)
    wrapper.add_shrink(buffers, x, a, 1.0)
    wrapper.add_expand(y, buffers, b, WIDTHS)
    assert torch.allclose(y.float(), wanted, rtol=0.03, atol=0.06)
    assert torch.equal(y[1], before[1])


def test_embedding_rows_get_their_own_adapter(wrapper):
    _, b = stacked()
    adapters = [22, 0, 11]
    x, y = torch.randn(3, RANK, dtype=torch.bfloat16), torch.randn(3, WIDTHS[0], dtype=torch.bfloat16)
    before = y.clone()
    route(wrapper, adapters)
    wrapper.add_lora_embedding(y, x, b[0])
    for row, slot in ((0, 1), (2, 0)):
        wanted = before[row].float() + x[row].float() @ b[0][slot, 0].float().T
        assert torch.allclose(y[row].float(), wanted, rtol=0.03, atol=0.06)
    assert torch.equal(y[1], before[1])


def test_fused_kernels_agree_with_vllm(wrapper_class, default_vllm_config):
    from vllm.model_executor.layers.activation import SiluAndMul
    from vllm.model_executor.layers.layernorm import RMSNorm
    from vllm.model_executor.layers.rotary_embedding import get_rope

    x, residual = torch.randn(5, 64, dtype=torch.bfloat16), torch.randn(5, 64, dtype=torch.bfloat16)
    norm = RMSNorm(64, dtype=torch.bfloat16)
    norm.weight.data = torch.rand(64, dtype=torch.bfloat16)
    original = RMSNorm._graft_original_forward_native
    assert torch.allclose(norm.forward_native(x), original(norm, x), rtol=0.02, atol=0.02)
    wanted = original(norm, x.clone(), residual.clone())
    for got, want in zip(norm.forward_native(x.clone(), residual.clone()), wanted, strict=True):
        assert torch.allclose(got, want, rtol=0.02, atol=0.02)

    assert torch.allclose(
        SiluAndMul.forward_native(x), SiluAndMul._graft_original_forward_native(x), rtol=0.02, atol=0.02
    )

    rope = get_rope(16, 128, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, dtype=torch.bfloat16)
    qkv = torch.randn(5, 96, dtype=torch.bfloat16)
    positions = torch.tensor([0, 3, 1, 77, 2])
    query, key, _ = qkv.clone().split([64, 16, 16], dim=-1)  # views with gaps, as in the model
    wanted = type(rope)._graft_original_forward_native(rope, positions, query.clone(), key.clone())
    for got, want in zip(rope.forward_native(positions, query, key), wanted, strict=True):
        assert torch.allclose(got, want, rtol=0.02, atol=0.02)


@pytest.fixture
def default_vllm_config():
    from vllm.config import VllmConfig, set_current_vllm_config

    with set_current_vllm_config(VllmConfig()):
        yield
