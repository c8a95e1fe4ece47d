"""Small changes of weights survive their way to bfloat16."""

import torch

from finetune.rounding import stochastic_bfloat16, to_stored_type


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_what_bfloat16_holds_stays_as_it_is():
    values = torch.randn(300, 7).to(torch.bfloat16)
    extreme = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), 2.0**-126, -(2.0**127)]).to(torch.bfloat16)
    for exact in (values, extreme):
        assert torch.equal(stochastic_bfloat16(exact.float(), generator()), exact)


def test_a_change_below_the_step_is_lost_to_the_nearest_and_kept_on_average():
    # Between 1 and 2 the step is 2 ** -7; this is a tenth of it.
    wanted = torch.full((20_000,), 1 + 0.1 * 2**-7)
    for values in (wanted, -wanted):
        assert torch.equal(values.to(torch.bfloat16).float(), values.sign())
        rounded = stochastic_bfloat16(values, generator()).float()
        assert set(rounded.abs().unique().tolist()) == {1.0, 1 + 2**-7}
        share = (rounded.abs() > 1).float().mean().item()
        assert 0.09 < share < 0.11


def test_a_matrix_that_was_changed_a_little_gives_what_it_gave():
    torch.manual_seed(0)
    base = (0.05 * torch.randn(512, 512)).to(torch.bfloat16).float()
    trained = base + 3e-5 * torch.randn(512, 4) @ torch.randn(4, 512)
    change = trained - base
    kept = stochastic_bfloat16(trained, generator()).float() - base
    nearest = trained.to(torch.bfloat16).float() - base

    def share(found: torch.Tensor) -> float:
        """How much of the change there is in what was found."""
        return ((found * change).sum() / (change * change).sum()).item()

    assert abs(share(kept) - 1) < 0.05
    assert share(nearest) < 0.9


def test_a_model_is_stored_the_same_each_time_and_other_types_to_the_nearest():
    def linear() -> torch.nn.Linear:
        torch.manual_seed(1)
        return torch.nn.Linear(40, 30)

    one, other = (to_stored_type(linear(), torch.bfloat16) for _ in range(2))
    assert one.weight.dtype == torch.bfloat16
    assert torch.equal(one.weight, other.weight)
    assert torch.equal(to_stored_type(linear(), torch.float16).weight, linear().weight.to(torch.float16))
    assert torch.equal(to_stored_type(linear(), torch.float32).weight, linear().weight)
