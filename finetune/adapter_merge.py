"""Merging an adapter into its base: a whole model folder that any server loads. PEFT does the arithmetic."""

import shutil
import tempfile
from pathlib import Path

from core.errors import AdapterError
from core.files import disk_error, write_json
from finetune.adapter_files import MANIFEST, TOKENIZER, AdapterManifest


def merge_adapter(base: Path, adapter: Path, manifest: AdapterManifest, target: Path) -> Path:
    """Write base plus adapter as a model folder into `target`, which must not exist; the last step is a rename.

    Weights are merged in float32 and saved in the base's own type. Raises AdapterError, WorkspaceError.
    """
    if target.exists():
        raise AdapterError(f"{target} exists already: remove it, or choose another folder with --out")
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=".merging-"))
    except OSError as error:
        raise disk_error(error, target) from error
    try:
        dtype = AutoConfig.from_pretrained(base).dtype or torch.float32
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        merged = PeftModel.from_pretrained(model, adapter).merge_and_unload(safe_merge=True)
        merged.to(dtype).save_pretrained(staging)
        for name in (*TOKENIZER, "tokenizer.model", "vocab.json", "merges.txt", "generation_config.json"):
            source = next((folder / name for folder in (adapter, base) if (folder / name).is_file()), None)
            if source is not None and not (staging / name).exists():
                shutil.copyfile(source, staging / name)
        write_json(staging / MANIFEST, {**manifest.model_dump(), "merged": True})
        staging.chmod(0o755)
        for path in staging.iterdir():
            path.chmod(0o644)  # another user's server may be the one that loads it
        staging.replace(target)
    except OSError as error:
        raise disk_error(error, target) from error
    except ValueError as error:
        raise AdapterError(f"{manifest.name} cannot be merged into {base}: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target
