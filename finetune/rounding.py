"""Weights from float32 to bfloat16 without losing what training changed.

What training changes in a weight is mostly less than half of bfloat16's step at its size: rounded to the nearest, it is
lost, and the model answers as if it had been trained half as much. Rounded up as often as it is nearer to the upper
neighbour, each sum over many weights keeps its value (stochastic rounding, e.g. Zamirai et al., arXiv:2010.06192).
"""

from typing import Any

# Any seed would do; one and the same gives the same model the same name.
_SEED = 7
_LOST_BITS = 16


def to_stored_type(model: Any, dtype: Any) -> Any:
    """The model with its weights in `dtype`: stochastic from float32 to bfloat16, else to the nearest.

    Weights that bfloat16 holds exactly stay as they are.
    """
    import torch

    if dtype == torch.bfloat16:
        generator = torch.Generator().manual_seed(_SEED)
        for weights in model.parameters():
            if weights.dtype == torch.float32:
                weights.data = stochastic_bfloat16(weights.data, generator)
    return model.to(dtype)


def stochastic_bfloat16(values: Any, generator: Any) -> Any:
    """Float32 `values` (any shape, on the CPU) as bfloat16: up or down by chance, so that the expectation is kept."""
    import torch

    # As an integer, a number of either sign grows in size when something is added to it.
    bits = values.contiguous().view(torch.int32)
    chance = torch.randint(1 << _LOST_BITS, bits.shape, generator=generator, dtype=torch.int32)
    kept = (bits + chance) & -(1 << _LOST_BITS)
    return kept.view(torch.float32).to(torch.bfloat16)
