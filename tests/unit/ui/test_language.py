import asyncio

import pytest

from ui.catalogue import Catalogue, pattern
from ui.language import language, marked, several, speaking, spoken, t

SAID = {
    "no corpus '{name}': it has {names}": "没有“{name}”：现有{names}",
    "the model is gone": "模型已停止",
    "it failed: {error}": "失败：{error}",
    "{name} and {name}": "{name}与{name}",
}


def test_a_text_is_said_in_the_language_that_is_spoken():
    assert t("Chat") == "Chat"
    with speaking("zh"):
        assert t("Chat") == "对话"
        assert t("Ask {title}", title="{x}") == "向“{x}”提问"
        assert t(marked("More")) == "更多"
        assert language() == "zh"
    assert language() == "en"


def test_a_text_without_translation_stays_english():
    with speaking("zh"):
        assert t("Nobody has translated {this}", this=1) == "Nobody has translated 1"
        assert spoken("Nobody has said this") == "Nobody has said this"


def test_counts():
    assert several(1, "{count} source", "{count} sources") == "1 source"
    assert several(0, "{count} source", "{count} sources") == "0 sources"
    assert several(1200, "{count} source", "{count} sources") == "1,200 sources"


def test_readers_of_different_languages_do_not_disturb_each_other():
    async def read(code):
        with speaking(code):
            await asyncio.sleep(0)
            return t("Chat"), await asyncio.to_thread(t, "More")

    async def read_together():
        return await asyncio.gather(read("en"), read("zh"), read("en"))

    assert asyncio.run(read_together()) == [
        ("Chat", "More"),
        ("对话", "更多"),
        ("Chat", "More"),
    ]


@pytest.mark.parametrize(
    ("english", "own"),
    [
        ("no corpus 'a b': it has c, d", "没有“a b”：现有c, d"),
        ("the model is gone", "模型已停止"),
        ("it failed: the model is gone", "失败：模型已停止"),
        ("it failed: line one\nline two", "失败：line one\nline two"),
        ("a and a", "a与a"),
        ("a and b", "a and b"),
        ("the model is gone.", "the model is gone."),
    ],
)
def test_sentences_of_others_are_known_by_their_pattern(english, own):
    assert Catalogue({}, SAID).sentence(english) == own


def test_a_pattern_takes_signs_as_they_are():
    assert pattern("a (b) {c}?") == r"a\ \(b\)\ (?P<c>.+?)\?"
