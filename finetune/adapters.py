"""Published adapters of a domain: immutable folders named by content hash, and a pointer to the active one.

An adapter is never changed in place: vLLM's prefix cache is keyed by name and path. Knows no server.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import AdapterError
from core.files import disk_error, read_json, sha256_file, sha256_json, write_json
from finetune.adapter_files import CONFIG, MANIFEST, TOKENIZER, WEIGHTS, AdapterManifest, Provenance
from finetune.job import Job

__all__ = ["CONFIG", "MANIFEST", "WEIGHTS", "AdapterManifest", "AdapterStore", "Provenance"]


class AdapterStore:
    """The adapters of one domain in `folder`."""

    def __init__(self, domain: str, folder: Path) -> None:
        self.domain, self.folder = domain, folder

    def publish(
        self,
        trained: Path,
        job: Job,
        examples: int,
        metrics: dict[str, Any],
        provenance: Provenance | None = None,
    ) -> AdapterManifest:
        """Copy what a run made into the store under its content hash; the last step is a rename. Idempotent.

        That is an adapter, or a whole model where the job's method gives one.
        """
        whole = job.facts.result == "model"
        config = {} if whole else read_json(trained / CONFIG, AdapterError)
        manifest = AdapterManifest(
            name="",
            domain=self.domain,
            base_name=job.base_name,
            prompt_hash=job.prompt_hash,
            data_hash=job.data_hash,
            test_hash=job.test_hash,
            method=job.method,
            preset=job.preset,
            rank=job.rank,
            merged=whole,
            parent=job.parent,
            options=job.options,
            run=job.key,
            seed=job.seed,
            examples=examples,
            provenance=provenance or Provenance(),
            metrics=metrics,
            versions=_versions(),
        )
        if whole:
            return self._add_model(trained, manifest)
        return self.add(trained, config, manifest, tokenizer=True)

    def add(
        self, source: Path, config: dict[str, Any], manifest: AdapterManifest, *, tokenizer: bool = False
    ) -> AdapterManifest:
        """Publish the weights of `source` with this config and manifest, whose name and time are set here.

        The same content has the same name: it is published once, and the first manifest stays. Raises WorkspaceError.
        """
        config = {**config, "base_model_name_or_path": manifest.base_name}
        if isinstance(config.get("target_modules"), list):
            # PEFT writes a set, in another order each time: the name would not be the content's.
            config["target_modules"] = sorted(config["target_modules"])
        version = sha256_json([sha256_file(source / WEIGHTS), config, manifest.prompt_hash])[:8]

        def fill(staging: Path) -> None:
            for name in (WEIGHTS, *(TOKENIZER if tokenizer else ())):
                if (source / name).is_file():
                    shutil.copyfile(source / name, staging / name)
            write_json(staging / CONFIG, config)

        return self._put(version, manifest, fill)

    def _add_model(self, source: Path, manifest: AdapterManifest) -> AdapterManifest:
        """Publish a whole model folder, every file of it."""
        weights = sorted(source.glob("*.safetensors"))
        if not weights or not (source / "config.json").is_file():
            raise AdapterError(f"{source} is no whole model (config.json and *.safetensors): train again")
        parts = [[path.name, sha256_file(path)] for path in [*weights, source / "config.json"]]

        def fill(staging: Path) -> None:
            for path in source.iterdir():
                if path.is_file():
                    shutil.copyfile(path, staging / path.name)

        return self._put(sha256_json([parts, manifest.prompt_hash])[:8], manifest, fill)

    def _put(self, version: str, manifest: AdapterManifest, fill: Callable[[Path], None]) -> AdapterManifest:
        created = manifest.created or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        manifest = manifest.model_copy(
            update={"name": f"{self.domain}@{version}", "domain": self.domain, "created": created}
        )
        target = self.folder / version
        if (target / MANIFEST).exists():
            return self.manifest(manifest.name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(dir=self.folder, prefix=".staging-"))
            try:
                fill(staging)
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

    @contextmanager
    def rollback(self) -> Iterator[str]:
        """Point at the adapter that was active before, whose name is yielded; an error inside puts the pointer back.

        Raises AdapterError when there is none.
        """
        history = self._history()
        if len(history) < 2:
            raise AdapterError(f"domain '{self.domain}' has no earlier adapter to go back to")
        write_json(self.folder / "active.json", {"history": history[:-1]})
        try:
            yield history[-2]
        except BaseException:
            write_json(self.folder / "active.json", {"history": history})
            raise

    def remove(self, name: str, *, active_too: bool = False) -> AdapterManifest:
        """Delete a published adapter; the active one only with `active_too`. Raises AdapterError, WorkspaceError.

        Without the active one, the adapter that was active before is active again, if there was one.
        """
        path, manifest = self.path(name), self.manifest(name)
        if manifest.name == self.active() and not active_too:
            raise AdapterError(
                f"adapter {manifest.name} is active: activate another one first, or say --force to answer without it"
            )
        try:
            grave = Path(tempfile.mkdtemp(dir=self.folder, prefix=".removed-"))
            path.replace(grave / path.name)  # gone in one step; a kill leaves hidden rubbish, no half adapter
            shutil.rmtree(grave, ignore_errors=True)
        except OSError as error:
            raise disk_error(error, path) from error
        return manifest

    def check(self, name: str, *, base_name: str | None = None, prompt_hash: str | None = None) -> AdapterManifest:
        """Check that an adapter is intact and fits the base model and the prompt. Raises AdapterError saying why not.

        What a person allowed at import (`overrides`) passes, and so does an adapter whose prompts are unknown. Of a
        whole model's weights only the headers are read: the parity gate finds values that are not finite.
        """
        path = self.path(name)
        manifest = self.manifest(name)
        if manifest.merged:
            _check_model(path)
        else:
            _check_tensors(path / WEIGHTS)
        if base_name not in (None, manifest.base_name, *manifest.overrides):
            raise AdapterError(
                f"adapter {manifest.name} was trained on {manifest.base_name}, not on {base_name}: "
                f"train again (graft train --domain {self.domain}) or start with --llm {manifest.base_name}"
            )
        if manifest.prompt_hash is not None and prompt_hash not in (None, manifest.prompt_hash, *manifest.overrides):
            raise AdapterError(
                f"adapter {manifest.name} was trained with other prompts than this Graft renders: "
                f"train again with graft train --domain {self.domain}"
            )
        return manifest

    def check_lora(self, name: str, *, base_name: str | None = None, prompt_hash: str | None = None) -> AdapterManifest:
        """The same, for uses that need LoRA matrices: a whole model has none, and is refused."""
        manifest = self.manifest(name)
        if manifest.merged:
            raise AdapterError(
                f"{manifest.name} is a whole model (method {manifest.method}), no adapter: "
                "choose one that was trained by lora, rslora or qlora (graft adapters list)"
            )
        return self.check(name, base_name=base_name, prompt_hash=prompt_hash)

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


def _check_model(folder: Path) -> None:
    """A whole model: config, and weights that can be opened."""
    from safetensors import SafetensorError, safe_open

    weights = sorted(folder.glob("*.safetensors"))
    if not weights or not (folder / "config.json").is_file():
        raise AdapterError(f"{folder} is no whole model (config.json and *.safetensors); train again")
    for path in weights:
        try:
            with safe_open(str(path), framework="pt") as file:
                file.keys()
        except (SafetensorError, OSError) as error:
            raise AdapterError(f"{path} cannot be read as safetensors: {error}") from error


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {package: version(package) for package in ("torch", "transformers", "peft", "trl")}
