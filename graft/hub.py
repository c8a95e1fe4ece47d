"""Fetches models from Hugging Face into the hub's own cache. Takes no file that can carry code."""

from collections.abc import Sequence
from pathlib import Path

from core.errors import AdapterError, ModelError

# Everything a model needs except weights in formats that can carry code.
_HUB_FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "*/*.json", "*/*.safetensors")


def from_hub(model_id: str, *, weights: bool, local: bool = False) -> Path:
    """Snapshot of a Hugging Face model in the hub's own cache. Raises ModelError with the way round."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    patterns: list[str] = [p for p in _HUB_FILES if weights or not p.endswith("safetensors")]
    try:
        return Path(snapshot_download(model_id, allow_patterns=patterns, local_files_only=local))
    except GatedRepoError as error:
        raise ModelError(
            f"model {model_id} asks for consent: accept its terms on the hub, then set HF_TOKEN"
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            f"no model '{model_id}' on Hugging Face: check the id, or write a folder as ./{model_id}"
        ) from error
    except (LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"model {model_id} cannot be fetched (no network?): on a machine with network run "
            f"hf download {model_id} --local-dir DIR, copy DIR here and pass its path; or use 'packaged'"
        ) from error


def adapter_from_hub(adapter_id: str, wanted: Sequence[str]) -> Path:
    """Snapshot of the `wanted` files of a Hugging Face repository. Raises AdapterError with the way round."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(adapter_id, allow_patterns=list(wanted)))
    except GatedRepoError as error:
        raise AdapterError(f"{adapter_id} asks for consent: accept its terms on the hub, then set HF_TOKEN") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise AdapterError(
            f"no adapter '{adapter_id}' on Hugging Face: check the id, or write a folder as ./{adapter_id}"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise AdapterError(
            f"{adapter_id} cannot be fetched (no network?): on a machine with network run hf download {adapter_id} "
            "--local-dir DIR, copy DIR here and import its path"
        ) from error
