"""Weights: settings before tuning before defaults."""

import pytest

from core.errors import RetrievalError
from core.settings import RetrieveSettings
from retriever.weights import Tuning, Weights, read_tuning, weights_for, write_tuning

TUNING = Tuning(
    weights=Weights(dense=0.7, line=2.0, candidates=60), examples=100, k=5, token_budget=450, before={"recall": 0.9},
    after={"recall": 0.95}, gain=(0.05, 0.01, 0.09), index="i", examples_hash="e", created="2026-11-24T00:00:00Z",
)  # fmt: skip


def test_what_was_tuned_is_used_unless_settings_say_otherwise(tmp_path):
    path = tmp_path / "retriever.json"
    assert read_tuning(path) is None
    write_tuning(path, TUNING)
    assert weights_for(RetrieveSettings(), read_tuning(path)) == TUNING.weights
    said = weights_for(RetrieveSettings(dense_weight=0.1), TUNING)
    assert (said.dense, said.line, said.candidates) == (0.1, 2.0, 60)
    assert weights_for(RetrieveSettings(candidates=9), None) == Weights(candidates=9)


def test_a_damaged_file_names_the_remedy(tmp_path):
    path = tmp_path / "garden" / "retriever.json"
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(RetrievalError, match="retriever tune --domain garden"):
        read_tuning(path)
