"""What is done about an answer that was promised to be valid and is not: one more try, under other conditions.

Recognises a model that goes round in circles, which small ones do. Asks nothing itself.
"""

from typing import Any

LONGEST_UNIT = 60
LOOP_CHARACTERS = 240


def is_loop(text: str) -> bool:
    """Whether the end of `text` repeats itself (white space included) for LOOP_CHARACTERS characters."""
    tail = text[-LOOP_CHARACTERS:]
    if len(tail) < LOOP_CHARACTERS:
        return False
    return any(tail[unit:] == tail[:-unit] for unit in range(1, LONGEST_UNIT + 1))


def second_try(options: dict[str, Any], *, cut_off: bool, limit: int | None) -> dict[str, Any] | None:
    """Options of the second try after an invalid answer, or None where it could not end better.

    `cut_off`: the answer had no room; it gets `limit` tokens, if that is more. Otherwise the likeliest text was the
    wrong one: the next is drawn (with a fixed seed) and repetition costs.
    """
    if not cut_off:
        return {**options, "temperature": 0.6, "frequency_penalty": 0.4, "seed": 1}
    if limit is None or limit <= options["max_tokens"]:
        return None
    return {**options, "max_tokens": limit}
