"""Worked examples: nearest last, of the right format and schema only."""

from langchain_core.embeddings import Embeddings

from core.icl import ExampleSelector
from core.types import Example


class ByLength(Embeddings):
    """Questions of like length are alike."""

    def embed_documents(self, texts):
        return [[float(len(text)), 10.0] for text in texts]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def example(id, question, format="text", schema=None, **changes):
    answer = {"a": "b"} if format in ("json", "yaml") else "A."
    return Example(id=id, question=question, answer=answer, format=format, schema=schema, **changes)


def chosen(selector, *arguments):
    return [e.id for e in selector.select(*arguments)]


def test_the_nearest_stands_next_to_the_question():
    selector = ExampleSelector(
        [example("far", "x" * 40), example("near", "x" * 11), example("mid", "x" * 20)], ByLength()
    )
    assert chosen(selector, "x" * 10, "text", None, 2) == ["mid", "near"]


def test_only_the_right_format_and_schema():
    selector = ExampleSelector(
        [example("t", "xx"), example("j1", "xx", "json", "one"), example("j2", "xx", "json", "two")], ByLength()
    )
    assert chosen(selector, "xx", "json", "two", 5) == ["j2"]
    assert sorted(chosen(selector, "xx", "json", None, 5)) == ["j1", "j2"]
    assert chosen(selector, "xx", "yaml", None, 5) == []


def test_records_can_be_left_out():
    selector = ExampleSelector([example("a", "xx", tags=("record:r",)), example("b", "xxx")], ByLength())
    assert chosen(selector.without({"r"}), "xx", "text", None, 5) == ["b"]
    assert sorted(chosen(selector, "xx", "text", None, 5)) == ["a", "b"]


def test_none_asked_for_and_none_there():
    assert ExampleSelector([], ByLength()).select("x", "text", None, 3) == []
    assert ExampleSelector([example("a", "x")], ByLength()).select("x", "text", None, 0) == []
