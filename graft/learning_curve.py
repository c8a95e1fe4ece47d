"""Trains adapters on shares of a domain's examples, for the lab's learning curve. The active adapter stays.

Shares are nested and of whole records: what 25% holds, 50% holds too. What was trained once is found again. Each
adapter's manifest says its share (option `share`), so that nobody takes it for a training of the whole data.
"""

import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from core.errors import AdapterError, LabError
from core.files import read_json, sha256_file, sha256_json, write_json, write_lines
from core.pack import DomainPack
from core.settings import Settings
from core.types import Example
from core.workspace import Workspace
from finetune.adapters import AdapterStore
from graft import build
from graft.connect import Say
from graft.lab import Progress
from graft.models import prepare_models
from graft.one_training import only_training
from graft.service import LocalService
from graft.training import Wishes, train_adapter
from graft.trial import copy_index, trial_workspace

SHARES = (0.1, 0.25, 0.5)
KNOWN = "learning-curve.json"


def train_shares(
    settings: Settings,
    workspace: Workspace,
    pack: DomainPack,
    *,
    shares: Sequence[float] = SHARES,
    say: Say,
    progress: Progress,
    trusted: bool = False,
) -> dict[float, str]:
    """Adapters by the share of the records they saw, trained where they are not there yet. Raises GraftError."""
    models = prepare_models(settings.models, workspace, say)
    build.prepare_pack(pack, say, trusted=trusted)
    store = AdapterStore(pack.name, workspace.adapters(pack.name))
    if store.active() is None:
        raise LabError(
            f"the learning curve ends with the active adapter, and '{pack.name}' has none: "
            f"run graft train --domain {pack.name} first"
        )
    known = workspace.lab(pack.name) / KNOWN
    key = sha256_json(
        [
            sha256_file(pack.train_file),
            settings.train.model_dump(),
            models.llm_name,
            build.prompt_fingerprint(models.llm),
        ]
    )
    content = read_json(known) if known.exists() else {}
    names: dict[str, str] = content["adapters"] if content.get("key") == key else {}
    for share in shares:
        if _is_published(store, names.get(f"{share:g}")):
            continue
        say(f"training on {share:.0%} of the records")
        # The trial's own folder of runs keeps nobody from training in the workspace meanwhile.
        with only_training(workspace.runs(pack.name).parent, pack.name):
            names[f"{share:g}"] = _train(settings, workspace, pack, share, say, progress)
        write_json(known, {"key": key, "adapters": names})
    return {share: names[f"{share:g}"] for share in shares}


def share_of(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """The examples of a share of the records, at least of one, in file order."""
    records = sorted({example.record for example in examples})
    random.Random(seed).shuffle(records)
    kept = set(records[: max(1, round(share * len(records)))])
    return [example for example in examples if example.record in kept]


def _is_published(store: AdapterStore, name: str | None) -> bool:
    try:
        return name is not None and store.path(name).is_dir()
    except AdapterError:
        return False


def _train(
    settings: Settings, workspace: Workspace, pack: DomainPack, share: float, say: Say, progress: Progress
) -> str:
    folder = workspace.run / "learning-curve"
    trial = trial_workspace(workspace, folder)
    copy_index(workspace, trial, pack.name)
    # The documents are not read again: what is retrieved for the rows comes from the index.
    part = DomainPack(pack.root, pack.file.model_copy(update={"prepare": False}), folder / "pack")
    kept = _write_examples(pack, part.data / "examples", share, settings.lab.seed)
    # Of few records a share may be all of them.
    seen = share if kept < len(pack.train_examples) else None
    service = LocalService(settings.model_copy(update={"workspace": trial.root}), trial, part)
    try:
        service.prepare(say)
        service.open_index(progress, update=False)
        stage = f"training on {share:.0%}"
        manifest = train_adapter(
            service,
            lambda status: progress(stage, int(1000 * status.progress), 1000),
            Wishes(activate=False, share=seen),
        )
    finally:
        service.close()
        shutil.rmtree(folder, ignore_errors=True)
    return manifest.name


def _write_examples(pack: DomainPack, folder: Path, share: float, seed: int) -> int:
    """The share of the training examples, and the test set as it is: leakage is checked as ever. How many there are."""
    kept = share_of(pack.train_examples, share, seed)
    write_lines(folder / "train.jsonl", (json.loads(e.model_dump_json(by_alias=True)) for e in kept))
    if pack.test_file.exists():
        shutil.copyfile(pack.test_file, folder / "test.jsonl")
    return len(kept)
