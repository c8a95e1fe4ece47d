"""Where the Unix sockets of a workspace stand: in its run folder, or where that is too long, a temporary one."""

import hashlib
import os
import tempfile
from pathlib import Path

from core.errors import WorkspaceError
from core.workspace import Workspace

# sun_path holds 108 bytes on Linux, the closing zero included.
_LONGEST = 100


def socket_path(workspace: Workspace, name: str) -> Path:
    """Path of the socket called `name`, in a folder that only this user can enter."""
    folder = workspace.run / "sockets"
    if len(os.fsencode(folder / name)) > _LONGEST:
        digest = hashlib.sha256(os.fsencode(workspace.root)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"graft-{os.getuid()}-{digest}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.getuid():
        raise WorkspaceError(f"{folder} belongs to another user: set TMPDIR to a folder of your own")
    folder.chmod(0o700)
    return folder / name


def control_socket(workspace: Workspace, domain: str) -> Path:
    """The socket on which a serving process of this workspace takes commands for `domain`."""
    return socket_path(workspace, f"{domain}.control")


def vllm_socket(workspace: Workspace, model: str = "") -> Path:
    """The socket of a vLLM that this process starts: the base model's, or that of a whole model."""
    return socket_path(workspace, f"vllm-{os.getpid()}" + (f"-{model}" if model else ""))
