"""The embedder with real weights: equal to sentence-transformers, loaded late, by the engine that fits."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from retriever import fast_bert
from retriever.embedder import load_embedder
from retriever.fast_bert import FastBert
from retriever.model_folder import read_model_folder
from retriever.sentence_engine import SentenceEngine
from tests.support.embedders import save_bert, save_distilbert, sentence_vectors

pytestmark = pytest.mark.integration

ODD = [
    "",
    " ",
    "a",
    "?",
    "Pumps",
    "ümläute Éric naïve ß",
    "水泵坏了怎么办",
    "ポンプが動きません",
    "🚰🔧 emoji 👩‍🔧",
    "x\x00y\ufeffz\u200b",
    "MAX_PRESSURE = 6  # bar",
    "line\nbreak\r\nand\ttab",
    "a" * 150,
    "word " * 255,
    "much longer than the model reads " * 100,
    *(f"Sentence {n} about the {noun}." for n, noun in enumerate(["pump", "lamp", "filter", "winter", "timer"])),
]


def cosines(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    return (found * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)


@pytest.fixture(scope="module")
def fast(prepared):
    if fast_bert_unfit():
        pytest.skip("this processor has no vectors that the fast engine knows")
    return FastBert(read_model_folder(prepared.embedder))


def fast_bert_unfit():
    try:
        fast_bert._check_processor()
    except fast_bert.Unfit as reason:
        return str(reason)
    return ""


def test_agrees_with_sentence_transformers(prepared, embeddings):
    found = cosines(embeddings.embed_documents(ODD), sentence_vectors(prepared.embedder, ODD))
    assert found.min() > 0.995  # nothing, a question mark
    assert found[-5:].min() > 0.999  # sentences
    assert np.allclose(np.linalg.norm(embeddings.embed_documents(ODD), axis=1), 1, atol=1e-5)


def test_questions_and_passages_agree_without_prompts(embeddings):
    assert embeddings.embed_query("Pumps") == embeddings.embed_documents(["Pumps"])[0]
    together = embeddings.embed_queries(["a", "Pumps"])[1]
    assert np.allclose(together, embeddings.embed_query("Pumps"), atol=1e-6)  # padding rounds otherwise
    assert embeddings.embed_documents([]) == embeddings.embed_queries([]) == []


def test_a_vector_does_not_depend_on_its_batch(fast):
    together = fast.embed(ODD, query=False)
    backwards = fast.embed(ODD[::-1], query=False)[::-1]
    alone = np.concatenate([fast.embed([text], query=False) for text in ODD])
    assert np.array_equal(together, backwards)
    assert np.array_equal(together, alone)


def test_many_threads(fast):
    texts = [f"{text} {n}" for n in range(10) for text in ODD]
    expected = fast.embed(texts, query=False)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda text: fast.embed([text], query=True)[0], texts))
        batches = list(pool.map(lambda _: fast.embed(texts, query=False), range(6)))
    assert np.array_equal(np.stack(rows), expected)
    assert all(np.array_equal(batch, expected) for batch in batches)


def test_counts_tokens_as_the_model_does(prepared, embeddings):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(prepared.embedder)
    expected = [len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]) for text in ODD]
    assert embeddings.count_many(ODD) == expected
    assert embeddings.count_tokens("Pumps") == expected[4]
    assert max(expected) > embeddings.max_tokens  # not cut off


def test_no_weights_without_texts_to_embed(prepared):
    code = f"""
import sys
from retriever.embedder import load_embedder
embedder = load_embedder({str(prepared.embedder)!r})
assert len(embedder.fingerprint) == 32 and embedder.count_many(["a pump", ""]) == [2, 0]
assert embedder.embed_documents([]) == []
loaded = {{"torch", "transformers", "sentence_transformers", "numba", "onnxruntime"}} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_embedding_needs_no_torch(prepared, fast):
    code = f"""
import sys
from retriever.embedder import load_embedder
assert len(load_embedder({str(prepared.embedder)!r}).embed_query("a pump")) == 384
assert not {{"torch", "transformers", "sentence_transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pooling": "cls"},
        {"num_attention_heads": 4, "intermediate_size": 64, "layer_norm_eps": 1e-5},
        {"prompts": {"query": "query: ", "document": "passage: "}},
        {"lower_case": False},
        {"num_hidden_layers": 1, "hidden_size": 192, "num_attention_heads": 3},
    ],
    ids=str,
)
def test_the_fast_engine_runs_other_berts(tmp_path, fast, options):
    folder = save_bert(tmp_path, **options)
    engine = FastBert(read_model_folder(folder))
    texts = ["the lamp is red", "Pumps", "", "a b c d e f. " * 20, "The pumps? 1, 2"]
    for query in (False, True):
        expected = sentence_vectors(folder, texts, query=query)
        assert cosines(engine.embed(texts, query=query), expected).min() > 0.998


def test_prompts_tell_questions_from_passages(tmp_path):
    embedder = load_embedder(save_bert(tmp_path, prompts={"query": "query: ", "passage": "passage: "}))
    plain = load_embedder(save_bert(tmp_path / "plain"))
    assert embedder.embed_query("red") == plain.embed_query("query: red")
    assert embedder.embed_documents(["red"])[0] == plain.embed_query("passage: red")


def test_another_model_goes_the_general_way(tmp_path):
    folder = save_distilbert(tmp_path, prompts={"query": "query: ", "document": "passage: "})
    embedder = load_embedder(folder, batch_size=2)
    texts = ["the lamp is red", "Pumps", "", "a b c d e f. " * 20, "The pumps? 1, 2"]
    found = embedder.embed_documents(texts)
    assert isinstance(embedder._engine, SentenceEngine)
    assert cosines(found, sentence_vectors(folder, texts)).min() > 0.999
    expected = sentence_vectors(folder, texts, query=True)
    assert cosines(embedder.embed_queries(texts), expected).min() > 0.999
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("options", [{"hidden_act": "relu"}, {"pooling": "max"}, {"hidden_size": 96}], ids=str)
def test_a_bert_that_is_not_plain_goes_the_general_way(tmp_path, options):
    folder = save_bert(tmp_path, **options)
    embedder = load_embedder(folder)
    texts = ["the lamp is red", "Pumps"]
    assert cosines(embedder.embed_documents(texts), sentence_vectors(folder, texts)).min() > 0.999
    assert isinstance(embedder._engine, SentenceEngine)


def test_a_model_that_bytes_hurt_goes_the_general_way(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(fast_bert, "LEAST_COSINE", 1.1)
    embedder = load_embedder(save_bert(tmp_path))
    with caplog.at_level("INFO"):
        assert len(embedder.embed_query("the lamp is red")) == 128
    assert isinstance(embedder._engine, SentenceEngine)
    assert fast_bert_unfit() or "cosine" in caplog.text


_WIDE = ("avx512f", "avx512bw", "avx512vl", "avx512vnni", "avx512bf16")


@pytest.mark.parametrize(
    "left_out",
    [("avx512bf16",), ("avx512bf16", "avx512vnni"), _WIDE, (*_WIDE, "avxvnni")],
    ids=["without bfloat16", "without byte products", "half as wide", "half as wide, without byte products"],
)
def test_other_processors_give_the_same_vectors(tmp_path, fast, left_out):
    """Code for a lesser processor, run on this one; what it has to leave out is told to Numba."""
    from numba.core.registry import cpu_target

    features = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    for name in left_out:
        features = [feature for feature in features if feature.lstrip("+-") != name]
    folder = save_bert(tmp_path)
    code = f"""
import sys
from pathlib import Path
import numpy as np
from retriever.fast_bert import FastBert
from retriever.fast_bert_simd import HAS_BF16, LANES
from retriever.model_folder import read_model_folder
assert not HAS_BF16
texts = ["the lamp is red", "Pumps", "", "a b c d e f. " * 20]
np.save({str(tmp_path / "vectors.npy")!r}, FastBert(read_model_folder(Path({str(folder)!r}))).embed(texts, query=False))
"""
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "x86-64-v3" if "avx512f" in left_out else "x86-64-v4",
        "NUMBA_CPU_FEATURES": ",".join(features),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300, env=environment)
    texts = ["the lamp is red", "Pumps", "", "a b c d e f. " * 20]
    assert cosines(np.load(tmp_path / "vectors.npy"), sentence_vectors(folder, texts)).min() > 0.998
