"""The tokenizer of a model folder through the `tokenizers` library alone, where the folder has one for it."""

from typing import TYPE_CHECKING

from core.errors import ModelError
from retriever.model_folder import ModelFolder

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def open_tokenizer(folder: ModelFolder, *, truncated: bool) -> "Tokenizer":
    """The folder's fast tokenizer, without padding; `truncated` cuts at the model's length. Raises ModelError."""
    from tokenizers import normalizers

    tokenizer = _read_tokenizer(folder)
    tokenizer.no_padding()
    if truncated:
        tokenizer.enable_truncation(folder.max_tokens)
    else:
        tokenizer.no_truncation()
    if folder.lower_case:
        lower = normalizers.Lowercase()
        known = tokenizer.normalizer
        tokenizer.normalizer = normalizers.Sequence([lower, known]) if known else lower
    return tokenizer


def _read_tokenizer(folder: ModelFolder) -> "Tokenizer":
    from tokenizers import Tokenizer

    try:
        if folder.tokenizer_file.is_file():
            return Tokenizer.from_file(str(folder.tokenizer_file))
        # An older folder, with a vocabulary only: Transformers, slow to import, makes the same tokenizer of it.
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(folder.first.folder, trust_remote_code=False).backend_tokenizer
    except Exception as error:  # tokenizers raises bare Exception
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"--embedder: the tokenizer in {folder.first.folder} cannot be read ({reason}): obtain the model anew, or "
            "choose one with a tokenizer.json"
        ) from error
