import pytest

from core.arms import ARMS
from core.pack import DomainPack, PackDefaults, PackFile
from core.service import AdapterInfo, CorpusInfo
from ui import choices


def pack(tmp_path, **fields):
    return DomainPack(tmp_path, PackFile(name="garden", persona="P.", corpus=("c",), **fields), tmp_path)


def test_every_arm_has_words_and_a_hint():
    offered = choices.arm_choices(has_adapter=True, has_examples=True)
    assert {value for _, value in offered} == set(ARMS)
    assert len({label for label, _ in offered}) == len(ARMS)
    assert all(label != value and choices.arm_hint(value).endswith(".") for label, value in offered)


def test_arms_that_cannot_work_are_not_offered():
    offered = {value for _, value in choices.arm_choices(has_adapter=False, has_examples=False)}
    assert offered == {"rag", "base"}


@pytest.mark.parametrize(
    ("wanted", "has_adapter", "expected"),
    [
        ("hybrid", True, "hybrid"),
        ("hybrid", False, "rag"),
        ("lora", False, "base"),
        ("rag+icl+schema", True, "rag+icl"),
        ("hybrid+icl", False, "rag+icl"),
    ],
)
def test_default_arm(tmp_path, wanted, has_adapter, expected):
    offered = choices.arm_choices(has_adapter=has_adapter, has_examples=True)
    assert choices.default_arm(pack(tmp_path, defaults=PackDefaults(arm=wanted)), offered) == expected


def test_default_format_is_one_on_offer(tmp_path):
    assert choices.default_format(pack(tmp_path, formats=("json",))) == "json"
    assert choices.format_choices(pack(tmp_path)) == [("Text", "text"), ("Markdown", "markdown")]


def test_adapter_in_use_stands_first():
    adapters = [AdapterInfo(name="g@2", examples=1443), AdapterInfo(name="g@1", active=True, created="2026-11-23T1")]
    assert choices.adapter_choices(adapters) == [
        ("In use: g@1", choices.ACTIVE_ADAPTER),
        ("g@2 (1,443 examples)", "g@2"),
        ("g@1 (2026-11-23)", "g@1"),
    ]


def test_corpora_are_joined_as_the_service_takes_them():
    assert choices.joined_corpora(["garden", "trees"]) == "garden+trees"
    assert choices.joined_corpora([]) is None
    assert choices.joined_corpora(None) is None


def test_own_corpus_goes_by_the_title(tmp_path):
    corpora = [CorpusInfo(name="garden", documents=1200), CorpusInfo(name="trees")]
    assert choices.corpus_choices(corpora, pack(tmp_path, title="Garden centre")) == [
        ("Garden centre (1,200 documents)", "garden"),
        ("trees", "trees"),
    ]
