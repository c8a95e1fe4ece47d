"""Names of several corpora: the first gives persona and adapter, all are searched."""

import pytest

from serve.model_names import UnknownModelError, list_models, resolve_model
from tests.support.scripted_service import ScriptedService


@pytest.fixture
def service():
    service = ScriptedService()
    service.other_corpora = ["herbs", "tools"]
    return service


@pytest.mark.parametrize(
    ("name", "arm", "corpus"),
    [
        ("garden+herbs", "hybrid", "garden+herbs"),
        ("garden+tools+herbs", "hybrid", "garden+tools+herbs"),
        ("garden+herbs:rag", "rag", "garden+herbs"),
        ("garden+herbs:rag+icl", "rag+icl", "garden+herbs"),
        ("garden:rag+icl", "rag+icl", None),
        ("garden", "hybrid", None),
    ],
)
def test_corpora_are_joined_and_an_arm_may_follow(service, name, arm, corpus):
    _, target = resolve_model(name, [service])
    assert (target.arm.name, target.corpus) == (arm, corpus)


@pytest.mark.parametrize(
    "name",
    ["herbs+garden", "garden+weeds", "garden+", "garden+herbs+herbs", "garden+garden", "garden+herbs:base",
     "garden+herbs:", "garden+herbs:x", "+herbs", "+"],
)  # fmt: skip
def test_other_combinations_are_unknown(service, name):
    with pytest.raises(UnknownModelError, match=r"garden\+herbs"):
        resolve_model(name, [service])


def test_pairs_are_listed_last(service):
    assert [entry.name for entry in list_models([service])][-2:] == ["garden+herbs", "garden+tools"]
