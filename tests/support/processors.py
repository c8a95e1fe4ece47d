"""What tests ask of this machine's processor."""

import pytest

from core.processor import features, multiplies_bfloat16


def skip_where_rows_are_not_known_to_be_independent() -> None:
    """Skip where a product's row may come out otherwise among other rows; see serve.cpu_lora.single_rows."""
    if not multiplies_bfloat16():
        pytest.skip("this processor has no products of bfloat16")
    if any(name.startswith("amx") for name in features()):
        pytest.skip("this processor has AMX, whose products were not looked at")
