"""Reranking with a real CrossEncoder: a tiny one, made here, whose head is set by hand."""

import pytest

from core.errors import ModelError
from retriever.reranker import CrossEncoderReranker

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def folder(tmp_path_factory, prepared):
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    target = tmp_path_factory.mktemp("reranker")
    tokenizer = AutoTokenizer.from_pretrained(prepared.embedder)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        num_labels=1,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target


def test_scores_are_between_zero_and_one_and_depend_on_the_text(folder):
    reranker = CrossEncoderReranker(str(folder))
    scores = reranker.scores("Which valve?", ["The red valve.", "Something else altogether.", "The red valve."])
    assert all(0 <= score <= 1 for score in scores)
    assert scores[0] == pytest.approx(scores[2], abs=1e-5)
    assert scores[0] != scores[1]


def test_a_model_that_is_not_there_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"retrieve\.reranker"):
        CrossEncoderReranker(str(tmp_path)).scores("a", ["b"])
