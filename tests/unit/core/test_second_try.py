"""When a promised answer is not valid: loops are seen, and the second try is made under other conditions."""

import pytest

from core.second_try import LOOP_CHARACTERS, is_loop, second_try


@pytest.mark.parametrize("unit", [" ", "\n  ", "0, ", '{"name": "mint", "sun": "shade"}, '])
def test_repetition_is_a_loop_once_it_is_long(unit):
    assert is_loop('{"a": "b",' + unit * LOOP_CHARACTERS)
    assert not is_loop('{"a": "b",' + unit * 2)


def test_text_is_no_loop():
    assert not is_loop(" ".join(f"{n} is a number," for n in range(100)))


def test_an_answer_without_room_gets_more_and_others_are_drawn():
    assert second_try({"max_tokens": 9}, cut_off=True, limit=100) == {"max_tokens": 100}
    assert second_try({"max_tokens": 9}, cut_off=True, limit=None) is None
    drawn = second_try({"max_tokens": 9}, cut_off=False, limit=None)
    assert drawn is not None
    assert drawn["temperature"] > 0
    assert drawn["max_tokens"] == 9
