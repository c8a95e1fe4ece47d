import asyncio
import time

import pytest

from ui.catalogue import Catalogue, Pattern
from ui.language import language, marked, several, speaking, spoken, t

SAID = {
    "no corpus '{name}': it has {names}": "没有“{name}”：现有{names}",
    "the model is gone": "模型已停止",
    "it failed: {error}": "失败：{error}",
    "{name} and {name}": "{name}与{name}",
    "nothing was done.": "什么也没有做。",
    "{count} files are gone.": "{count} 个文件已不在。",
    "the model is gone.": "模型已停止。",
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
        ("no corpus 'the model is gone': it has c", "没有“the model is gone”：现有c"),
        ("the model is gone", "模型已停止"),
        ("it failed: the model is gone", "失败：模型已停止"),
        ("it failed: line one\nline two", "失败：line one\nline two"),
        ("a and a", "a与a"),
        ("a and b", "a and b"),
        ("the model is gone!", "the model is gone!"),
        ("3 files are gone. nothing was done.", "3 个文件已不在。什么也没有做。"),
        ("3 files are gone. nobody knows why.", "3 files are gone. nobody knows why."),
        ("the model is gone; a and a", "模型已停止；a与a"),
        ("the model is gone; nobody knows why", "the model is gone; nobody knows why"),
        ("the model is gone, a and a", "模型已停止、a与a"),
        ("the model is gone, c, a and a", "the model is gone, c, a and a"),
        ("on: the model is gone. nothing was done.", "on：模型已停止。什么也没有做。"),
        ("train.jsonl:3: the model is gone", "train.jsonl:3：模型已停止"),
        ("a.py: line 2: the model is gone", "a.py: line 2：模型已停止"),
        ("a.py: nobody knows why", "a.py: nobody knows why"),
    ],
)
def test_sentences_of_others_are_known_by_their_pattern(english, own):
    assert Catalogue({}, SAID).sentence(english) == own


@pytest.mark.parametrize(
    ("english", "text", "found"),
    [
        ("a (b) {c}?", "a (b) x?", {"c": "x"}),
        ("a (b) {c}?", "a (b) ?", None),
        ("{a} of {b}", "1 of 2 of 3", {"a": "1", "b": "2 of 3"}),
        ("{a} is {b}.", "x is y. z.", {"a": "x", "b": "y. z"}),
        ("no '{a}': run x {a}, or {b}", "no 'c': run x c, or d", {"a": "c", "b": "d"}),
        ("no '{a}': run x {a}, or {b}", "no 'c': run x d, or e", None),
        ("{a}, {b} and {a}", "c, d and e and c", {"a": "c", "b": "d and e"}),
        ("{a} {b}", "one", None),
    ],
)
def test_what_stands_in_the_places_of_a_sentence(english, text, found):
    assert Pattern(english, "").match(text) == found


def test_long_texts_are_looked_through_quickly():
    said = {f"{{a}}: {{b}} ({{c}}), {{d}}; {{e}} {number}": "x{a}{b}{c}{d}{e}" for number in range(200)}
    text = "a: b (c), d; e f. " * 200
    started = time.process_time()
    assert Catalogue({}, said).sentence(text) == text
    assert time.process_time() - started < 2
