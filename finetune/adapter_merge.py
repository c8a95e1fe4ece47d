"""Whole model folders that any server loads: an adapter merged into its base, or a base that was trained itself.

PEFT does the arithmetic.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from core.errors import AdapterError
from core.files import disk_error, write_json
from finetune.adapter_files import MANIFEST, TOKENIZER, AdapterManifest
from finetune.rounding import to_stored_type

_FROM_BASE = (*TOKENIZER, "tokenizer.model", "vocab.json", "merges.txt", "generation_config.json")


def merge_adapter(base: Path, adapter: Path, manifest: AdapterManifest, target: Path) -> Path:
    """Write base plus adapter as a model folder into `target`, which must not exist; the last step is a rename.

    Raises AdapterError, WorkspaceError.
    """
    if target.exists():
        raise AdapterError(f"{target} exists already: remove it, or choose another folder with --out")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=".merging-"))
    except OSError as error:
        raise disk_error(error, target) from error
    try:
        write_model(base, adapter, merged_model(base, adapter), staging / "model")
        write_json(staging / "model" / MANIFEST, {**manifest.model_dump(), "merged": True})
        (staging / "model").replace(target)
    except OSError as error:
        raise disk_error(error, target) from error
    except ValueError as error:
        raise AdapterError(f"{manifest.name} cannot be merged into {base}: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def merged_model(base: Path, adapter: Path) -> Any:
    """The base with the adapter in its weights, computed in float32."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return PeftModel.from_pretrained(model, adapter).merge_and_unload(safe_merge=True)


def write_model(base: Path, trained: Path, model: Any | None, target: Path) -> None:
    """Write a model (None: the one in folder `trained`) in the base's own type, with everything a server reads."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    config = AutoConfig.from_pretrained(base)
    if model is None:
        # With the base's config: what the trainer changed in it (padding, no cache) is no part of the model.
        model = AutoModelForCausalLM.from_pretrained(trained, config=config, dtype=torch.float32)
    to_stored_type(model, config.dtype or torch.float32).save_pretrained(target)
    for name in _FROM_BASE:
        source = next((folder / name for folder in (base, trained) if (folder / name).is_file()), None)
        if source is not None:
            shutil.copyfile(source, target / name)
    target.chmod(0o755)
    for path in target.iterdir():
        path.chmod(0o644)  # another user's server may be the one that loads it
