"""The corpus as its index holds it: quotes are found across line ends, counted, and placed in chunks."""

import pytest

from core.errors import TrainError
from finetune.corpus_text import CorpusText


def test_no_index_is_none(tmp_path):
    assert CorpusText.open(tmp_path) is None


def test_quotes_are_found_with_white_space_folded_and_across_chunks(make_corpus):
    corpus = make_corpus({"a.md": ["One line\nof text.", "The other line of text."]})
    assert corpus.count("a.md", "One  line of text.") == 1
    assert corpus.count("a.md", "line of text.") == 2
    assert corpus.count("a.md", "of text. The other") == 1
    assert corpus.holders("a.md", "of text. The other") == []
    assert [chunk.locator for chunk in corpus.holders("a.md", "other line")] == ["part 1"]
    with pytest.raises(TrainError, match="no document 'b"):
        corpus.count("b.md", "x")


def test_chunks_come_once_each_and_the_same_way_for_the_same_seed(make_corpus):
    corpus = make_corpus({f"{name}.md": [f"{name}{n}" for n in range(5)] for name in "abc"})
    order = [chunk.id for chunk in corpus.chunks(1)]
    assert len(set(order)) == 15
    assert order == [chunk.id for chunk in corpus.chunks(1)]
    assert order != [chunk.id for chunk in corpus.chunks(2)]
    assert {identity[0] for identity in order[:3]} == {"a", "b", "c"}
