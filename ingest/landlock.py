"""Shuts the file system to this process and its children, but for what is named (Landlock, Linux 5.13 and later).

Needs no privileges and cannot be taken back. Files that are open already stay open. Knows nothing of what the process
does.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_PR_SET_NO_NEW_PRIVS = 38
_EXECUTE, _WRITE, _READ, _READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FOLDER, _REMOVE_FILE, _MAKE_FOLDER, _MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_RENAME, _TRUNCATE, _DEVICE_CONTROL = 1 << 13, 1 << 14, 1 << 15
# What each version of Landlock can forbid in the file system; network and signals came with 4 and 6.
_FIRST = (1 << 13) - 1
_SINCE = {2: _RENAME, 3: _TRUNCATE, 5: _DEVICE_CONTROL}
_TCP, _SIGNALS_AND_ABSTRACT_SOCKETS = 0b11, 0b11
# Of a file that is no folder only these can be allowed.
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE_CONTROL

READ = _READ | _READ_FOLDER | _EXECUTE
# No devices, FIFOs or links are made in a scratch folder.
CHANGE = READ | _WRITE | _REMOVE_FOLDER | _REMOVE_FILE | _MAKE_FOLDER | _MAKE_FILE | _RENAME | _TRUNCATE


def landlock_version() -> int:
    """The version of Landlock that the kernel offers; 0: none."""
    if sys.platform != "linux":
        return 0
    return max(0, _syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def shut_files(readable: Iterable[Path], changeable: Iterable[Path]) -> bool:
    """Leave this thread, and all that it starts, only the files below these paths. False where there is no Landlock.

    Paths that do not exist are passed over. Raises OSError if the kernel refuses rules that it should take.
    """
    version = landlock_version()
    if version == 0:
        return False
    handled = _FIRST
    for since, right in _SINCE.items():
        handled |= right if version >= since else 0
    words = [handled, *([_TCP] if version >= 4 else []), *([_SIGNALS_AND_ABSTRACT_SOCKETS] if version >= 6 else [])]
    attributes = (ctypes.c_uint64 * len(words))(*words)
    ruleset = _checked(_syscall(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0))
    try:
        for rights, paths in ((READ, readable), (CHANGE, changeable)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        _checked(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return True


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _OF_FILES
        rule = rights.to_bytes(8, sys.byteorder) + handle.to_bytes(4, sys.byteorder)
        _checked(_syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(handle)


def _syscall(*arguments: object) -> int:
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return ctypes.CDLL(None, use_errno=True).syscall(*wide)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
