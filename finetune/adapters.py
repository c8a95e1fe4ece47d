"""Published adapters of a domain: immutable folders named by content hash, and a pointer to the active one.

An adapter is never changed in place: vLLM's prefix cache is keyed by name and path. Knows no server.
"""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from core.errors import AdapterError
from core.files import disk_error, read_json, sha256_file, sha256_json, write_json
from finetune.job import Job

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
MANIFEST = "graft.json"
_KEPT = (WEIGHTS, CONFIG)


class AdapterManifest(BaseModel):
    """What an adapter is made of. `name` is `domain@hash`; `base_name` is the base model it belongs to."""

    name: str
    domain: str
    base_name: str
    prompt_hash: str
    data_hash: str
    test_hash: str | None = None
    method: str = "lora"
    preset: str = "default"
    rank: int = 16
    seed: int = 7
    examples: int = 0
    created: str = ""
    metrics: dict[str, Any] = {}
    versions: dict[str, str] = {}


class AdapterStore:
    """The adapters of one domain in `folder`."""

    def __init__(self, domain: str, folder: Path) -> None:
        self.domain, self.folder = domain, folder

    def publish(self, trained: Path, job: Job, examples: int, metrics: dict[str, Any]) -> AdapterManifest:
        """Copy a trained adapter into the store under its content hash; the last step is a rename. Idempotent."""
        config = read_json(trained / CONFIG, AdapterError)
        config["base_model_name_or_path"] = job.base_name
        identity = [sha256_file(trained / WEIGHTS), config, job.prompt_hash]
        version = sha256_json(identity)[:8]
        manifest = AdapterManifest(
            name=f"{self.domain}@{version}",
            domain=self.domain,
            base_name=job.base_name,
            prompt_hash=job.prompt_hash,
            data_hash=job.data_hash,
            test_hash=job.test_hash,
            method=job.method,
            preset=job.preset,
            rank=job.rank,
            seed=job.seed,
            examples=examples,
            created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            metrics=metrics,
            versions=_versions(),
        )
        target = self.folder / version
        if (target / MANIFEST).exists():
            return self.manifest(manifest.name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(dir=self.folder, prefix=".staging-"))
            try:
                shutil.copyfile(trained / WEIGHTS, staging / WEIGHTS)
                write_json(staging / CONFIG, config)
                write_json(staging / MANIFEST, manifest.model_dump())
                staging.chmod(0o755)
                staging.replace(target)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
        except OSError as error:
            raise disk_error(error, target) from error
        return manifest

    def list(self) -> list[AdapterManifest]:
        """All published adapters, newest first."""
        found = [self.manifest(f"{self.domain}@{path.parent.name}") for path in self.folder.glob(f"[!.]*/{MANIFEST}")]
        return sorted(found, key=lambda m: m.created, reverse=True)

    def manifest(self, name: str) -> AdapterManifest:
        """The manifest of one adapter. Raises AdapterError with the known names."""
        path = self.path(name) / MANIFEST
        return AdapterManifest.model_validate(read_json(path, AdapterError))

    def path(self, name: str) -> Path:
        """The folder of a published adapter, by `domain@hash` or hash alone. Raises AdapterError."""
        version = name.removeprefix(f"{self.domain}@")
        path = self.folder / version
        if not version or "/" in version or not (path / MANIFEST).is_file():
            known = (
                ", ".join(f"{self.domain}@{p.parent.name}" for p in self.folder.glob(f"[!.]*/{MANIFEST}")) or "none yet"
            )
            raise AdapterError(f"domain '{self.domain}' has no adapter '{name}': published are {known}")
        return path

    def active(self) -> str | None:
        """Name of the active adapter, or None."""
        history = self._history()
        return history[-1] if history else None

    def activate(self, name: str, *, base_name: str | None = None, prompt_hash: str | None = None) -> AdapterManifest:
        """Point at `name` after checking its weights, base and prompt. Raises AdapterError."""
        manifest = self.check(name, base_name=base_name, prompt_hash=prompt_hash)
        if self.active() != manifest.name:
            write_json(self.folder / "active.json", {"history": [*self._history(), manifest.name][-50:]})
        return manifest

    def rollback(self) -> str:
        """Point at the adapter that was active before; returns its name. Raises AdapterError when there is none."""
        history = self._history()
        if len(history) < 2:
            raise AdapterError(f"domain '{self.domain}' has no earlier adapter to go back to")
        write_json(self.folder / "active.json", {"history": history[:-1]})
        return history[-2]

    def check(self, name: str, *, base_name: str | None = None, prompt_hash: str | None = None) -> AdapterManifest:
        """Check that an adapter is whole and fits the base model and the prompt. Raises AdapterError saying why not."""
        path = self.path(name)
        manifest = self.manifest(name)
        _check_tensors(path / WEIGHTS)
        if base_name is not None and manifest.base_name != base_name:
            raise AdapterError(
                f"adapter {manifest.name} was trained on {manifest.base_name}, not on {base_name}: "
                f"train again (graft train --domain {self.domain}) or start with --llm {manifest.base_name}"
            )
        if prompt_hash is not None and manifest.prompt_hash != prompt_hash:
            raise AdapterError(
                f"adapter {manifest.name} was trained with other prompts than this Graft renders: "
                f"train again with graft train --domain {self.domain}"
            )
        return manifest

    def fits(self, name: str, *, base_name: str, prompt_hash: str) -> bool:
        """Whether `check` would pass."""
        try:
            self.check(name, base_name=base_name, prompt_hash=prompt_hash)
        except AdapterError:
            return False
        return True

    def _history(self) -> "list[str]":
        path = self.folder / "active.json"
        if not path.exists():
            return []
        history = read_json(path, AdapterError)["history"]
        return [name for name in history if (self.folder / name.partition("@")[2] / MANIFEST).is_file()]


def _check_tensors(path: Path) -> None:
    """Every tensor is a LoRA matrix and finite."""
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            names = list(file.keys())
            for name in names:
                if ".lora_A." not in name and ".lora_B." not in name:
                    raise AdapterError(f"{path}: tensor '{name}' is no LoRA matrix; vLLM cannot serve it")
                if not bool(torch.isfinite(file.get_tensor(name)).all()):
                    raise AdapterError(f"{path}: tensor '{name}' holds infinite or undefined values; train again")
    except (SafetensorError, OSError) as error:
        raise AdapterError(f"{path} cannot be read as safetensors: {error}") from error
    if not names:
        raise AdapterError(f"{path} holds no tensors; train again")


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {package: version(package) for package in ("torch", "transformers", "peft", "trl")}
