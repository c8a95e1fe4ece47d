"""Small sentence-transformers folders with random weights, for tests of embedders."""

from pathlib import Path
from typing import Any

_VOCABULARY = "[PAD] [UNK] [CLS] [SEP] [MASK] the pump is red blue lamp query passage : ##s ##ed a b c d e f . , ? 1 2"
_WORDS = _VOCABULARY.split(" ")


def save_bert(
    folder: Path,
    *,
    pooling: str = "mean",
    prompts: dict[str, str] | None = None,
    lower_case: bool = True,
    **config: Any,
) -> Path:
    """A BERT of two layers, with `config` in its configuration."""
    from transformers import BertConfig, BertModel, BertTokenizer

    sizes = {"hidden_size": 128, "intermediate_size": 192, "num_attention_heads": 2, "num_hidden_layers": 2}
    options = {**sizes, "max_position_embeddings": 64, "vocab_size": len(_WORDS), "initializer_range": 0.2, **config}
    model = _seeded(lambda: BertModel(BertConfig(**options)))
    tokenizer = BertTokenizer(vocab={word: n for n, word in enumerate(_WORDS)}, do_lower_case=lower_case)
    return _save(folder, model, tokenizer, pooling, prompts)


def save_distilbert(folder: Path, prompts: dict[str, str] | None = None) -> Path:
    """A DistilBERT of one layer, which the fast engine cannot run."""
    from transformers import BertTokenizer, DistilBertConfig, DistilBertModel

    options: dict[str, Any] = {"dim": 32, "hidden_dim": 64, "n_heads": 2, "n_layers": 1, "vocab_size": len(_WORDS)}
    model = _seeded(lambda: DistilBertModel(DistilBertConfig(**options, max_position_embeddings=64)))
    return _save(folder, model, BertTokenizer(vocab={word: n for n, word in enumerate(_WORDS)}), "mean", prompts)


def sentence_vectors(folder: Path, texts: list[str], *, query: bool = False) -> Any:
    """What sentence-transformers itself gives in float32, at length 1."""
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    encode = model.encode_query if query else model.encode_document
    return encode(texts, normalize_embeddings=True, show_progress_bar=False)


def _seeded(make: Any) -> Any:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(5)
        return make().eval()


def _save(folder: Path, model: Any, tokenizer: Any, pooling: str, prompts: dict[str, str] | None) -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    parts = folder / "parts"
    model.save_pretrained(parts)
    tokenizer.save_pretrained(parts)
    first: Any = Transformer(str(parts), max_seq_length=48)
    modules = [first, Pooling(first.get_embedding_dimension(), pooling_mode=pooling), Normalize()]  # type: ignore[arg-type]
    SentenceTransformer(modules=modules, device="cpu", prompts=prompts).save_pretrained(str(folder / "model"))
    return folder / "model"
