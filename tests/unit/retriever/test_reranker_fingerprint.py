"""The fingerprints of a reranker and of what searches with it: others when its weights are others, and only then."""

import os
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from core.files import sha256_json
from core.settings import RetrieveSettings
from retriever import reranker
from retriever.hybrid import VERSION, HybridRetriever
from retriever.reranker import CrossEncoderReranker
from retriever.reranker_fingerprint import reranker_fingerprint
from retriever.weights import Weights


def write(folder, weights=b"w" * 5000, config="{}"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "config.json").write_text(config)
    return folder


def retriever(found=None, weights=None, **settings) -> HybridRetriever:
    index = SimpleNamespace(lock=nullcontext(), current=lambda: SimpleNamespace(weights=weights or Weights()))
    return HybridRetriever.model_construct(
        indexes=(index,), embeddings=None, settings=RetrieveSettings(**settings), reranker=found
    )


@pytest.mark.parametrize("change", [{"weights": b"w" * 4999 + b"x"}, {"weights": b"w"}, {"config": '{"a": 1}'}])
def test_another_training_under_the_same_name_is_another_reranker(tmp_path, change):
    folder = write(tmp_path / "garden")
    before = reranker_fingerprint(folder)
    assert len(before) == 32
    (folder / "graft-card.json").write_text('{"seconds": 4}')
    assert reranker_fingerprint(write(folder)) == before
    assert reranker_fingerprint(write(folder, **change)) != before


def test_what_was_not_written_is_not_read_again(tmp_path, monkeypatch):
    folder = write(tmp_path / "garden")
    before, stat = reranker_fingerprint(folder), (folder / "model.safetensors").stat()
    monkeypatch.setattr("retriever.reranker_fingerprint.add_weights", lambda digest, file: 1 / 0)
    assert reranker_fingerprint(folder) == before
    os.utime(folder / "model.safetensors", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    with pytest.raises(ZeroDivisionError):
        reranker_fingerprint(folder)


def test_a_reranker_in_use_is_what_was_loaded(tmp_path, monkeypatch):
    model = SimpleNamespace(device=SimpleNamespace(type="cpu"), predict=lambda pairs, **_: [0.5] * len(pairs))
    monkeypatch.setattr(reranker, "_load", lambda name: model)
    folder = write(tmp_path / "garden")
    used, before = CrossEncoderReranker(folder), reranker_fingerprint(folder)
    assert used.fingerprint == before
    used.scores("Q?", ["a text"])
    write(folder, b"trained again")
    assert used.fingerprint == before
    assert CrossEncoderReranker(folder).fingerprint != before
    assert CrossEncoderReranker("somebody/a-cross-encoder").fingerprint is None


def test_how_passages_are_found_is_named_by_weights_settings_and_reranker(tmp_path):
    plain = retriever().fingerprint
    # Keys training rows as well: without a reranker it stays what it was.
    assert plain == sha256_json([VERSION, RetrieveSettings().model_dump(), [Weights().model_dump()]])
    assert retriever(weights=Weights(dense=0.9)).fingerprint != plain
    folder = write(tmp_path / "garden")
    name = str(folder)
    before = retriever(CrossEncoderReranker(name), reranker=name).fingerprint
    write(folder, b"trained again")
    assert retriever(CrossEncoderReranker(name), reranker=name).fingerprint != before
