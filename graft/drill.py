"""Wires the update drill: a copy of the domain, in which facts are changed and indexed again. The domain itself stays.

Prints nothing.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.arms import Arm, parse_lab_arm
from core.errors import LabError
from core.files import disk_error, write_json
from core.pack import DomainPack
from core.settings import Settings
from core.workspace import Workspace
from graft.advise import DRILL
from graft.connect import find_remote
from graft.lab import Progress, find_adapter
from graft.service import LocalService
from graft.trial import copy_index, trial_workspace


def run(
    settings: Settings,
    workspace: Workspace,
    pack: DomainPack,
    arms: Sequence[str],
    *,
    facts: int,
    say: Callable[[str], None],
    progress: Progress,
    trusted: bool,
) -> dict[str, Any]:
    """Run the drill on a copy below the workspace and write drill.json beside the labs. Raises GraftError."""
    from evaluation.drill import drill, find_facts

    chosen = [parse_lab_arm(name) for name in arms]
    if find_remote(workspace, pack) is not None:
        raise LabError(f"'{pack.name}' is being served: stop graft up first, the drill needs a model of its own")
    folder = workspace.run / "drill"
    copy, copied = _copy(workspace, pack, folder)
    found = find_facts(copied.test_examples, lambda source: _read(copied, source), facts)
    service = LocalService(settings.model_copy(update={"workspace": copy.root}), copy, copied, trusted=trusted)
    try:
        service.prepare(say)
        service.open_index(progress)
        service.start_model(say)
        active = service.state.adapter

        def adapter_of(arm: Arm) -> str | None:
            return find_adapter(service.store, arm) if arm.weights else active

        for arm in chosen:
            if arm.adapter and adapter_of(arm) is None:
                raise LabError(f"no adapter for {arm.name}: run graft train --domain {pack.name}, or leave it out")
            name = adapter_of(arm) if arm.adapter else None
            if name is not None and service.store.manifest(name).merged:
                service.whole_models.lend(name)  # until the service closes

        async def change() -> float:
            started = time.perf_counter()
            for fact in found:
                path = _path(copied, fact.source)
                assert path is not None
                path.write_text(fact.write_into(path.read_text(encoding="utf-8")), encoding="utf-8")
            await service.ingest(lambda stage, share: None)
            return time.perf_counter() - started

        result = asyncio.run(
            drill(service, found, chosen, adapter_of, change, max_tokens=settings.lab.max_tokens, on_progress=progress)
        )
        for arm in chosen:
            name = adapter_of(arm) if arm.adapter else None
            seconds = service.store.manifest(name).metrics.get("seconds") if name else None
            result["arms"][arm.name]["training_seconds"] = seconds
    finally:
        service.close()
        shutil.rmtree(folder, ignore_errors=True)
    write_json(workspace.lab(pack.name) / DRILL, result)
    return result


def _copy(workspace: Workspace, pack: DomainPack, folder: Path) -> tuple[Workspace, DomainPack]:
    """The pack's data and index in a workspace of its own below `folder`; models and adapters are linked."""
    copy = trial_workspace(workspace, folder / "w")
    copy_index(workspace, copy, pack.name)
    try:
        shutil.rmtree(folder / "pack", ignore_errors=True)
        shutil.copytree(pack.data, folder / "pack")
    except OSError as error:
        raise disk_error(error, folder) from error
    return copy, DomainPack(pack.root, pack.file, folder / "pack")


def _path(pack: DomainPack, source: str) -> Path | None:
    """The file of a document, by its name in the index."""
    for root in pack.corpus_paths:
        path = root / source if root.is_dir() else root
        if path.is_file() and (root.is_dir() or root.name == source):
            return path
    return None


def _read(pack: DomainPack, source: str) -> str | None:
    path = _path(pack, source)
    try:
        return None if path is None else path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
