"""What values a stranger's config may hold: predicates, and the table of fields with the one each must fulfil.

Names are plain: whatever could be a regular expression is refused, since matching it can take for ever.
"""

import math
import re
from collections.abc import Callable
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*")


def is_off(value: Any) -> bool:
    """Whether a value means that its feature is not in use."""
    return value is None or value is False or value in ({}, [], "", "none")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 20


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 200 and bool(_PLAIN.fullmatch(value))


def _is_pattern_of(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Names to values; a name that is a regular expression is refused, since matching it can take forever."""

    def check(value: Any) -> bool:
        if value is None:
            return True
        entries = value.items() if isinstance(value, dict) and len(value) <= 10_000 else [("", None)]
        return all(_is_plain(key) and is_right(item) for key, item in entries)

    return check


def _is_target(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= 2000
    return isinstance(value, list) and 0 < len(value) <= 10_000 and all(map(_is_plain, value))


def _is_layers(value: Any) -> bool:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return len(listed) <= 10_000 and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in listed)


def _is_text(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= 1000 and value.isprintable())


# Field -> default, what it must fulfil, and how to say so.
FIELDS: dict[str, tuple[Any, Callable[[Any], bool], str]] = {
    "r": (None, _is_count, "a whole number above 0"),
    "lora_alpha": (None, lambda v: _is_number(v) and v > 0, "a number above 0"),
    "lora_dropout": (0.0, lambda v: _is_number(v) and 0 <= v < 1, "a number from 0 to 1"),
    "target_modules": (None, _is_target, "a list of module names"),
    "exclude_modules": (None, lambda v: v is None or _is_target(v), "a list of module names"),
    "use_rslora": (False, _is_bool, "true or false"),
    "fan_in_fan_out": (False, _is_bool, "true or false"),
    "rank_pattern": ({}, _is_pattern_of(_is_count), "module names with whole numbers above 0"),
    "alpha_pattern": (
        {},
        _is_pattern_of(lambda v: _is_number(v) and v > 0),
        "module names with numbers above 0",
    ),
    "layers_to_transform": (None, _is_layers, "a list of layer numbers"),
    "layers_pattern": (None, lambda v: v is None or _is_target(v), "a list of names"),
    "base_model_name_or_path": (None, _is_text, "a name"),
}
