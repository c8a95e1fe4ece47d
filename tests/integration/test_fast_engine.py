"""The fast engine against plain PEFT: same loss, same gradients, and a no where it does not understand the model."""

import time
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor

from finetune import fast_packs
from finetune.fast_engine import FastEngine, Unfit

pytestmark = pytest.mark.integration

VOCABULARY = 97
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "use_cache": False,
}


def tiny_base(kind: str, dtype: torch.dtype, **changes: Any) -> Any:
    import transformers

    torch.manual_seed(0)
    if kind == "Mistral":
        changes = {"sliding_window": None, **changes}
    config = getattr(transformers, f"{kind}Config")(**(SIZES | changes))
    model = getattr(transformers, f"{kind}ForCausalLM")(config).to(dtype)
    for name, parameter in model.named_parameters():
        if "bias" in name or "norm" in name:
            torch.nn.init.normal_(parameter, mean=float("norm" in name), std=0.2)
    return model


def tiny_model(kind: str = "Llama", dtype: torch.dtype = torch.float32, **lora: Any) -> Any:
    """A random model with an adapter that is not zero."""
    options = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | lora
    exact = dtype == torch.float64
    model = get_peft_model(tiny_base(kind, dtype), LoraConfig(**options), autocast_adapter_dtype=not exact)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def batch(lengths: list[int], shared: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    ids = torch.randint(0, VOCABULARY, (len(lengths), max(lengths)))
    ids[:, :shared] = ids[0, :shared]
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for i, length in enumerate(lengths):
        mask[i, :length] = 1
        labels[i, length - 6 : length] = ids[i, length - 6 : length]
    return ids, mask, labels


def plain(
    model: Any, ids: Tensor, mask: Tensor, labels: Tensor, weights: Tensor | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean loss, each label's times its weight, and gradients by PEFT and autograd."""
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].reshape(-1, VOCABULARY)
    targets = labels[:, 1:].reshape(-1)
    losses = torch.nn.functional.cross_entropy(logits.double(), targets, reduction="none")
    counts = torch.ones_like(losses) if weights is None else weights[:, 1:].reshape(-1)
    loss = (losses * counts).sum() / (targets != -100).sum()
    model.zero_grad()
    loss.backward()
    grads = {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}
    model.zero_grad()
    return loss.detach(), grads


def fast(
    model: Any, ids: Tensor, mask: Tensor, labels: Tensor, factor: float = 1.0, weights: Tensor | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    engine = FastEngine(model, workers=2)
    try:
        count = int((labels[:, 1:] != -100).sum())
        loss, stats = engine.loss(ids, mask, labels, count, train=True, weights=weights)
        assert stats.shape == (count, 3)
        (loss * factor).backward()
        evaluated, _ = engine.loss(ids, mask, labels, count, train=False, weights=weights)
        torch.testing.assert_close(evaluated, loss.detach())
    finally:
        engine.close()
    return loss.detach().double(), {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}


def worst(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest relative error of any parameter's gradient."""
    assert found.keys() == expected.keys()
    return max(float((found[n] - expected[n]).norm() / expected[n].norm()) for n in expected)


@pytest.mark.parametrize("kind", ["Llama", "Mistral", "Qwen2"])
@pytest.mark.parametrize("shared", [0, 20])
def test_gradients_are_those_of_peft(kind: str, shared: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(kind, torch.float64)
    rows = batch([40, 31, 77, 52, 30], shared)
    packs = []
    monkeypatch.setattr("finetune.fast_engine.plan", lambda *a: packs.append(fast_packs.plan(*a)) or packs[-1])
    loss, expected = plain(model, *rows)
    found_loss, found = fast(model, *rows)
    # Transformers' norms compute in single precision whatever the model's, hence not closer than this.
    torch.testing.assert_close(found_loss, loss, rtol=1e-7, atol=0)
    assert worst(found, expected) < 1e-5
    assert any(s.context for share in packs[0] for pack in share for s in pack.segments) == bool(shared)


def test_labels_count_as_their_weights_say() -> None:
    model = tiny_model(dtype=torch.float64)
    rows = batch([40, 31, 77, 52, 30], 20)
    weights = torch.rand(rows[0].shape, dtype=torch.float64) * 5
    loss, expected = plain(model, *rows, weights)
    found_loss, found = fast(model, *rows, weights=weights)
    # Weights are kept in single precision.
    torch.testing.assert_close(found_loss, loss, rtol=1e-6, atol=0)
    assert worst(found, expected) < 1e-5
    assert worst(found, plain(model, *rows)[1]) > 0.1


def test_gradients_where_each_of_two_families_shares_its_own_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(dtype=torch.float64)
    ids, mask, labels = batch([60, 61, 58, 49, 55, 57], 24)
    ids[3:, 8:40] = (ids[3, 8:40] + 11) % VOCABULARY
    packs = []
    monkeypatch.setattr("finetune.fast_engine.plan", lambda *a: packs.append(fast_packs.plan(*a)) or packs[-1])
    ids[:3, 24:40] = ids[0, 24:40]
    loss, expected = plain(model, ids, mask, labels)
    found_loss, found = fast(model, ids, mask, labels)
    torch.testing.assert_close(found_loss, loss, rtol=1e-7, atol=0)
    assert worst(found, expected) < 1e-5
    assert [pack.segments[0].stop for share in packs[0] for pack in share] == [32, 32]  # of 40 that are alike


def test_attention_in_several_blocks_and_recomputed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finetune.fast_attention._BLOCK_ROWS", 20)
    monkeypatch.setattr("finetune.fast_pass.FastPass._attention_bytes", lambda *_: 1 << 60)
    model, rows = tiny_model(dtype=torch.float64), batch([40, 31, 77, 52, 30], 20)
    loss, expected = plain(model, *rows)
    found_loss, found = fast(model, *rows)
    torch.testing.assert_close(found_loss, loss, rtol=1e-7, atol=0)
    assert worst(found, expected) < 1e-5


def test_bfloat16_is_as_close_as_bfloat16_gets() -> None:
    exact = tiny_model(dtype=torch.float64)
    half = tiny_model(dtype=torch.bfloat16)
    half.load_state_dict(exact.state_dict())
    exact.load_state_dict(half.state_dict())  # the same, rounded, weights
    rows = batch([40, 31, 77, 52, 30], 20)
    loss, expected = plain(exact, *rows)
    _, stock = plain(half, *rows)
    found_loss, found = fast(half, *rows)
    assert abs(float(found_loss - loss)) < 0.01
    assert worst(found, expected) < max(0.05, 1.5 * worst(stock, expected))


def test_some_modules_and_ranks_only() -> None:
    model = tiny_model(
        dtype=torch.float64,
        target_modules=["q_proj", "v_proj", "down_proj"],
        rank_pattern={"v_proj": 7},
        use_rslora=True,
    )
    rows = batch([40, 31], 0)
    _, expected = plain(model, *rows)
    assert worst(fast(model, *rows)[1], expected) < 1e-5


def test_the_losss_factor_reaches_the_gradients() -> None:
    model, rows = tiny_model(dtype=torch.float64), batch([40, 31], 0)
    _, once = fast(model, *rows)
    model.zero_grad()
    _, half = fast(model, *rows, factor=0.5)
    assert worst({n: 2 * g for n, g in half.items()}, once) < 1e-12


def test_a_batch_without_labels_has_no_loss() -> None:
    model = tiny_model()
    ids, mask, labels = batch([40, 31], 0)
    engine = FastEngine(model, workers=2)
    loss, stats = engine.loss(ids, mask, torch.full_like(labels, -100), 1, train=True)
    loss.backward()
    engine.close()
    assert float(loss.detach()) == 0
    assert stats.shape == (0, 3)


def test_the_adapter_is_read_again_at_every_call() -> None:
    model, rows = tiny_model(), batch([40, 31], 0)
    engine = FastEngine(model, workers=2)
    before, _ = engine.loss(*rows, 1, train=False)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.zero_()
    after, _ = engine.loss(*rows, 1, train=False)
    engine.close()
    with model.disable_adapter():
        expected, _ = plain_loss_only(model, *rows)
    assert float(before) != pytest.approx(float(after))
    assert float(after) == pytest.approx(float(expected), rel=1e-5)


def plain_loss_only(model: Any, ids: Tensor, mask: Tensor, labels: Tensor) -> tuple[Tensor, None]:
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].reshape(-1, VOCABULARY)
    return torch.nn.functional.cross_entropy(logits, labels[:, 1:].reshape(-1), reduction="sum"), None


@pytest.mark.parametrize(
    ("lora", "reason"),
    [
        ({"lora_dropout": 0.1}, "dropout"),
        ({"use_dora": True}, "variant"),
        ({"lora_bias": True}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "trainable|lm_head|module"),
    ],
)
def test_unfit_adapters(lora: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        FastEngine.check(tiny_model(**lora))


def test_unfit_models() -> None:
    with pytest.raises(Unfit, match="sliding"):
        FastEngine.check(get_peft_model(tiny_base("Mistral", torch.float32, sliding_window=8), LoraConfig(r=2)))
    with pytest.raises(Unfit, match="Gemma"):
        FastEngine.check(get_peft_model(tiny_base("Gemma", torch.float32, head_dim=8), LoraConfig(r=2)))
    with pytest.raises(Unfit, match="activation"):
        FastEngine.check(get_peft_model(tiny_base("Llama", torch.float32, hidden_act="gelu"), LoraConfig(r=2)))
    with pytest.raises(Unfit, match="trainable"):
        FastEngine.check(tiny_base("Llama", torch.float32))
    merged = tiny_model()
    merged.merge_adapter()
    with pytest.raises(Unfit, match="merged"):
        FastEngine.check(merged)


def test_gives_way_between_layers_and_never_twice_at_once() -> None:
    inside, most, calls = 0, 0, 0

    def give_way() -> None:
        nonlocal inside, most, calls
        inside, calls = inside + 1, calls + 1
        most = max(most, inside)
        time.sleep(0.001)
        inside -= 1

    engine = FastEngine(tiny_model(), workers=2, give_way=give_way)
    engine.loss(*batch([40, 31, 35, 50], 0), 1, train=True)
    engine.close()
    assert most == 1
    assert calls >= 2 * 2 * SIZES["num_hidden_layers"]
