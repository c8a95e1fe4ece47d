"""A stranger's adapter folder as a whole: which files it may hold, and the verdict of config and tensors."""

import stat
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from core.errors import AdapterError
from core.files import read_json
from finetune.adapter_files import CONFIG, MANIFEST, TOKENIZER, WEIGHTS, AdapterManifest
from finetune.admission.config import MOST_BYTES, AdmittedConfig, clean_config, read_config
from finetune.admission.tensors import Shapes, check_tensors, short_targets

WANTED = (WEIGHTS, CONFIG, MANIFEST)
_CODE = frozenset({".py", ".pyc", ".so", ".dll", ".dylib", ".sh", ".ipynb", ".exe"})
_QUIET = frozenset(
    {"README.md", "LICENSE", ".gitattributes", *TOKENIZER, "vocab.json", "merges.txt", "added_tokens.json"}
)


class Admitted(NamedTuple):
    """What may be published: a config of our own, the manifest that came along (or None), and what was noticed."""

    config: dict[str, Any]
    read: AdmittedConfig
    manifest: AdapterManifest | None
    remarks: list[str]


def admit(folder: Path, shapes: Shapes, max_rank: int) -> Admitted:
    """Judge the adapter in `folder` for the base of `shapes`. Raises AdapterError that says why it is refused.

    Reads nothing but the config, the manifest and the weights; whatever else lies there is named and left behind.
    """
    remarks = _check_files(folder)
    config = read_config(folder, max_rank)
    modules = check_tensors(folder, config, shapes)
    if config.target_modules is None and config.fields["target_modules"] != "all-linear":
        remarks.append("target_modules is a pattern: replaced by the names of the modules that have tensors")
    manifest = _read_manifest(folder / MANIFEST)
    return Admitted(clean_config(config, short_targets(modules, shapes)), config, manifest, remarks)


def _check_files(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise AdapterError(f"{folder} is no folder")
    remarks = []
    left = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise AdapterError(f"{name} is a link: an adapter's files must be files")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise AdapterError(f"{name} is neither file nor folder")
        if path.suffix.lower() in _CODE:
            raise AdapterError(f"{name} is code: an adapter is data; remove it if it is not part of it")
        if name.startswith("adapter_model.") and name != WEIGHTS:
            raise AdapterError(
                f"{name}: weights in a format that can run code when it is read; keep {WEIGHTS} alone, or convert it"
            )
        if path.is_file() and name not in WANTED and path.name not in _QUIET:
            left.append(name)
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        remarks.append(f"left behind: {', '.join(left[:3])}{more}")
    return remarks


def _read_manifest(path: Path) -> AdapterManifest | None:
    """The manifest that a Graft wrote, if there is one. Its claims are data: the name is made anew from the content."""
    if not path.exists():
        return None
    if path.stat().st_size > MOST_BYTES:
        raise AdapterError(f"{path.name} has {path.stat().st_size} bytes; a manifest has a few thousand")
    try:
        return AdapterManifest.model_validate(read_json(path, AdapterError))
    except (ValidationError, RecursionError) as error:
        raise AdapterError(f"{path.name} is no manifest of Graft: remove it to import without its claims") from error
