"""What the parity report makes of readings that agree, that are a little off, and that are another model's."""

import math

import pytest

from finetune.parity import MEAN_TOLERANCE, TOKEN_TOLERANCE, Probe, Reading, compare

PROBES = [Probe(tokens=[1, 2, 3, 4, 5], first=2), Probe(tokens=[7, 8, 9], first=1)]
PEFT = [
    Reading(logprobs=[-0.1, -0.2, -0.3], likeliest=[3, 4, 5], margins=[3.0, 0.5, 2.0]),
    Reading(logprobs=[-1.0, -0.5], likeliest=[8, 9], margins=[4.0, 1.5]),
]
BASE = [
    Reading(logprobs=[-3.1, -4.2, -2.3], likeliest=[1, 1, 1], margins=[3.0, 0.5, 2.0]),
    Reading(logprobs=[-5.0, -6.5], likeliest=[1, 1], margins=[4.0, 1.5]),
]


def moved(readings, by, **changes):
    return [r.model_copy(update={"logprobs": [p + by for p in r.logprobs], "margins": [], **changes}) for r in readings]


def judge(served, served_base=None, **options):
    options = {"same_tokens": True} | options
    return compare(
        "garden@1", "tiny", "vLLM 1", PROBES, PEFT, served, BASE, served_base or moved(BASE, 0.02), **options
    )


def test_readings_that_agree_pass():
    found = judge(moved(PEFT, 0.05))
    assert (found.passed, found.reasons) == (True, [])
    assert (found.tokens, found.probes) == (5, 2)
    assert found.mean_difference == pytest.approx(0.05)
    assert found.noise == pytest.approx(0.02)
    assert found.effect == pytest.approx((3 + 4 + 2 + 4 + 6) / 5)
    assert (found.greedy_compared, found.greedy_agreed) == (4, 4)
    assert any("passed" in line for line in found.lines())


def test_an_adapter_that_is_not_in_use_is_named_as_such():
    found = judge(moved(BASE, 0.01))
    assert not found.passed
    assert any("not in use" in reason for reason in found.reasons)
    assert "differ" in " ".join(found.lines())


def test_the_mean_and_the_single_token_have_limits_of_their_own():
    assert not judge(moved(PEFT, MEAN_TOLERANCE + 0.01)).passed
    off = [moved(PEFT, 0)[0], Reading(logprobs=[-1.0 - TOKEN_TOLERANCE - 0.01, -0.5], likeliest=[8, 9])]
    found = judge(off)
    assert any("one token" in reason for reason in found.reasons)
    assert found.worst[0] == {"probe": 1, "place": 0, "token": 8, "peft": -1.0, "served": pytest.approx(-2.01)}


def test_greedy_tokens_count_only_where_the_choice_is_clear():
    unclear = [PEFT[0].model_copy(update={"likeliest": [3, 9, 5]}), PEFT[1]]
    assert judge(unclear).passed
    clear = [PEFT[0].model_copy(update={"likeliest": [3, 4, 9]}), PEFT[1]]
    found = judge(clear)
    assert (found.greedy_agreed, found.passed) == (3, False)


def test_other_tokens_and_nothing_to_compare_fail():
    assert not judge(moved(PEFT, 0), same_tokens=False).passed
    nothing = [Reading(logprobs=[], likeliest=[])]
    assert not compare("a", "b", "v", [], nothing, nothing, nothing, nothing, same_tokens=True).passed


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_values_that_are_no_numbers_fail(value):
    broken = [PEFT[0].model_copy(update={"logprobs": [value, -0.2, -0.3]}), PEFT[1]]
    assert not judge(broken).passed


def test_a_whole_model_is_held_against_transformers_and_needs_no_served_base():
    found = compare(
        "garden@1", "tiny", "vLLM 1", PROBES, PEFT, moved(PEFT, 0.05), BASE, None, same_tokens=True,
        read_by="transformers",
    )  # fmt: skip
    assert (found.passed, found.noise) == (True, None)
    text = "\n".join(found.lines())
    assert "in transformers and in vLLM 1" in text
    assert "to compare with    the model's own effect is 3.800" in text
