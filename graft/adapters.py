"""Wires adapters in and out of a workspace: import with admission, export, merge, and where one came from.

Prints nothing; what a person should know is in the manifest's remarks.
"""

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import AdapterError
from core.files import disk_error, read_json, write_json
from finetune.adapter_files import CONFIG, AdapterManifest, Provenance
from finetune.adapters import AdapterStore
from finetune.admission.archive import is_archive, pack, unpack
from finetune.admission.folder import WANTED, Admitted, admit
from finetune.admission.tensors import base_shapes
from finetune.dataset import RowsCard
from graft import build
from graft.models import PACKAGED_LLM_NAME, PreparedModels, base_revision
from graft.service import LocalService

# What a Graft in another place, or plain PEFT, calls the packaged model.
PACKAGED_LLM_ID = f"HuggingFaceTB/{PACKAGED_LLM_NAME}"

_README = """\
# {name}

A LoRA adapter (PEFT format) for `{base}`, trained by Graft for the domain `{domain}`.

    from peft import PeftModel
    from transformers import AutoModelForCausalLM
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("{base}"), "THIS FOLDER")

It was trained on the prompts of its Graft (prompt hash in `graft.json`). Another Graft takes it with
`graft adapters import THIS-FOLDER`.
"""


def provenance(service: LocalService, card: RowsCard, models: PreparedModels, parent: str | None = None) -> Provenance:
    """Where a run's base and data come from; `parent` is the adapter that it goes on from."""
    return Provenance(
        base_revision=base_revision(models.llm),
        corpus=card.corpus,
        corpus_generation=card.corpus_generation,
        train=card.examples,
        test=card.test_examples,
        records=card.records,
        people=dict(Counter(card.people) + Counter(_people_of(service, parent))),
    )


def _people_of(service: LocalService, adapter: str | None) -> dict[str, int]:
    """From whose feedback an adapter learnt."""
    return service.store.manifest(adapter).provenance.people if adapter is not None else {}


def import_adapter(
    store: AdapterStore, source: str, models: PreparedModels, *, max_rank: int, force: bool = False
) -> AdapterManifest:
    """Admit the adapter at `source` (folder, archive, or Hugging Face id) and publish it. Raises AdapterError.

    What cannot work is refused. An adapter that names another base or other prompts is refused unless `force`, which
    the manifest then records; one that names no prompts is admitted with a remark.
    """
    with _fetched(source, store.folder) as folder:
        admitted = admit(folder, base_shapes(models.llm), max_rank)
        manifest = _judge_origin(admitted, source, models, force=force)
        return store.add(folder, admitted.config, manifest)


def export_adapter(store: AdapterStore, name: str, target: Path) -> Path:
    """Write a published adapter as a plain PEFT folder, or as a zip file if `target` ends so. Raises AdapterError."""
    manifest, folder = store.manifest(name), store.path(name)
    if target.exists():
        raise AdapterError(f"{target} exists already: remove it, or choose another name with --out")
    if manifest.merged:
        raise AdapterError(f"{manifest.name} is a whole model folder, which needs no export: copy {folder}")
    base = PACKAGED_LLM_ID if manifest.base_name == PACKAGED_LLM_NAME else manifest.base_name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as temporary:
            staging = Path(temporary) / "adapter"
            shutil.copytree(folder, staging)
            write_json(staging / CONFIG, {**read_json(folder / CONFIG, AdapterError), "base_model_name_or_path": base})
            readme = _README.format(name=manifest.name, base=base, domain=manifest.domain)
            (staging / "README.md").write_text(readme, encoding="utf-8")
            if target.suffix == ".zip":
                return pack(staging, target)
            staging.replace(target)
    except OSError as error:
        raise disk_error(error, target) from error
    return target


@contextmanager
def _fetched(source: str, near: Path) -> Iterator[Path]:
    """The files of `source` that are judged, in a folder of our own: nobody changes them between check and copy."""
    try:
        near.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(dir=near, prefix=".import-")
    except OSError as error:
        raise disk_error(error, near) from error
    with temporary as name:
        folder = Path(name) / "adapter"
        folder.mkdir()
        path = Path(source).expanduser()
        if path.is_dir():
            yield _copied(path, folder)
        elif path.is_file() and is_archive(path):
            yield unpack(path, folder)
        elif path.is_file():
            raise AdapterError(f"{path} is neither a folder nor a .zip, .tar or .tar.gz file")
        elif source.startswith((".", "/", "~")) or is_archive(path) or not re.fullmatch(r"[\w.-]+/[\w.-]+", source):
            raise AdapterError(f"{source} does not exist; an adapter on Hugging Face is written as OWNER/NAME")
        else:
            from graft.hub import adapter_from_hub

            hub = adapter_from_hub(source, WANTED)
            for wanted in WANTED:
                if (hub / wanted).is_file():
                    shutil.copyfile((hub / wanted).resolve(), folder / wanted)
            yield folder


def _copied(source: Path, folder: Path) -> Path:
    """A copy of the wanted files; of the others only their names and kinds, which are judged as well."""
    for path in sorted(source.rglob("*")):
        target = folder / path.relative_to(source)
        if path.is_symlink():
            target.symlink_to("link")
        elif path.is_dir():
            target.mkdir(exist_ok=True)
        elif path.is_file() and target.name in WANTED and target.parent == folder:
            shutil.copyfile(path, target)
        elif path.is_file():
            target.touch()
        else:
            raise AdapterError(f"{path} is neither file nor folder")
    return folder


def _judge_origin(admitted: Admitted, source: str, models: PreparedModels, *, force: bool) -> AdapterManifest:
    """The manifest to publish under: what the adapter's own says, as far as it is believed. Raises AdapterError."""
    claimed = admitted.manifest
    prompt_hash = build.prompt_fingerprint(models.llm)
    remarks, overrides = list(admitted.remarks), []
    named = admitted.read.base or (claimed.base_name if claimed else None)
    if named is None:
        remarks.append("it names no base model; its tensors fit this one")
    elif not _same_base(named, models.llm_name):
        if not force:
            raise AdapterError(
                f"{source} was made for {named}, and this workspace serves {models.llm_name}: "
                f"start with --llm {named}, or import with --force if the two are the same model"
            )
        overrides.append(models.llm_name)
        remarks.append(f"made for {named}, imported for {models.llm_name} by --force")
    if claimed is None or claimed.prompt_hash is None:
        remarks.append("nobody knows which prompts it was trained with: measure it with graft lab before trusting it")
    elif claimed.prompt_hash != prompt_hash:
        if not force:
            raise AdapterError(
                f"{source} was trained with other prompts than this Graft renders (hash {claimed.prompt_hash[:8]}, "
                f"here {prompt_hash[:8]}): its answers would be worse than they were; import with --force to try it"
            )
        overrides.append(prompt_hash)
        remarks.append("trained with other prompts, imported by --force")
    kept = claimed or AdapterManifest(
        name="", domain="", base_name=models.llm_name, prompt_hash=None, preset="", seed=0
    )
    changed = {
        "base_name": models.llm_name,
        "rank": admitted.read.rank,
        "origin": f"{claimed.name} from {source}" if claimed else source,
        "overrides": overrides,
        "remarks": remarks,
    }
    return kept.model_copy(update=changed)


def _same_base(named: str, served: str) -> bool:
    """Whether two names mean one model: equal, or equal in their last part, without owner, folder and identity hash."""

    def last(name: str) -> str:
        return name.rstrip("/").rsplit("/", 1)[-1].casefold()

    return named == served or last(named) in (last(served), re.sub(r"-[0-9a-f]{8}$", "", last(served)))
