"""Arms as data: names of the chat, and those of the lab that name an adapter."""

import pytest

from core.arms import ARMS, parse_arm, parse_lab_arm
from core.errors import RequestError


@pytest.mark.parametrize("name", [*ARMS, *(f"{name}+schema" for name in ARMS)])
def test_the_lab_knows_every_arm_of_the_chat(name):
    assert parse_lab_arm(name) == parse_arm(name)


@pytest.mark.parametrize(
    ("name", "weights", "retrieval", "constrained"),
    [
        ("hybrid@3f9c2a1b", "3f9c2a1b", True, False),
        ("lora@3f9c2a1b+schema", "3f9c2a1b", False, True),
        ("qlora", "qlora", False, False),
        ("dora", "dora", False, False),
        ("hybrid@full", "full", True, False),
        ("distilled+schema", "distilled", False, True),
    ],
)
def test_arms_that_name_their_weights(name, weights, retrieval, constrained):
    arm = parse_lab_arm(name)
    assert (arm.name, arm.weights, arm.adapter) == (name, weights, True)
    assert (arm.retrieval, arm.constrained) == (retrieval, constrained)


@pytest.mark.parametrize("name", ["rag@3f9c2a1b", "hybrid@", "qlora@3f9c2a1b", "rug", "", "hybrid+schema@3f9c2a1b"])
def test_other_names_are_refused(name):
    with pytest.raises(RequestError, match="arm '"):
        parse_lab_arm(name)


def test_the_chat_does_not_offer_the_labs_arms():
    for name in ("qlora", "hybrid@3f9c2a1b"):
        with pytest.raises(RequestError, match="unknown arm"):
            parse_arm(name)
