"""A workspace beside the workspace, for trials that must leave the domain as it is: models and adapters are shared."""

import shutil
from pathlib import Path

from core.files import disk_error
from core.workspace import Workspace


def trial_workspace(workspace: Workspace, folder: Path) -> Workspace:
    """An empty workspace in `folder` (emptied first) that uses the models and adapters of `workspace`."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        trial = Workspace.open(folder)
        for name, target in (("models", workspace.models), ("adapters", workspace.root / "adapters")):
            target.mkdir(parents=True, exist_ok=True)
            (trial.root / name).symlink_to(target)
    except OSError as error:
        raise disk_error(error, folder) from error
    return trial


def copy_index(workspace: Workspace, trial: Workspace, name: str) -> None:
    """Copy a corpus index, so that the trial may change it and embeds nothing twice."""
    if workspace.corpus(name).is_dir():
        try:
            shutil.copytree(workspace.corpus(name), trial.corpus(name))
        except OSError as error:
            raise disk_error(error, trial.corpus(name)) from error
