"""Starting a command of Graft in a process of its own, under the settings of this one; it outlives this process.

What flags and files said is written down for it, and the settings in the environment are left out: they are in there.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

import yaml

from core.files import disk_error, write_atomically
from core.settings import PREFIX, RESERVED_NAMES, Settings
from core.workspace import Workspace


def start_command(settings: Settings, workspace: Workspace, log: Path, *arguments: str) -> int:
    """Start `graft ARGUMENTS`; its output is added to `log`. Returns its process id. Raises WorkspaceError."""
    config = workspace.run / "page-settings.yaml"
    write_atomically(config, yaml.safe_dump(settings.model_dump(mode="json", exclude_unset=True)))
    command = [sys.executable, "-m", "graft.cli", "--workspace", str(workspace.root), "--config", str(config)]
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C at the terminal of this process is not meant for it.
                start_new_session=True,
                env=_environment(),
            )
    except OSError as error:
        raise disk_error(error, log) from error
    # Who is not waited for stays in the list of processes, and would seem to live.
    threading.Thread(target=process.wait, name="graft-child", daemon=True).start()
    return process.pid


def _environment() -> dict[str, str]:
    kept = RESERVED_NAMES - {"GRAFT_CONFIG"}
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX) or name in kept}
