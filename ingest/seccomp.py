"""Takes the network from this process and its children: after `forbid_sockets` the kernel refuses every new socket.

A filter on system calls (seccomp) needs no privileges and no namespaces, so it also holds inside containers. What is
open already stays open. Linux on x86-64 and ARM64; knows nothing of what the process does.
"""

import ctypes
import platform
import struct
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUALS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_EACCES = 13
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
# Architecture as the kernel names it; `socket`, and `io_uring_setup`, which opens sockets behind the filter's back.
_SYSTEMS = {"x86_64": (0xC000003E, (41, 425)), "aarch64": (0xC00000B7, (198, 425))}
# Numbers of the x32 calling convention, which this process does not use.
_X32 = 0x40000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid_sockets() -> bool:
    """Install the filter for this thread and all that it starts. False where the system has no such thing."""
    system = _SYSTEMS.get(platform.machine())
    if sys.platform != "linux" or system is None or struct.calcsize("P") != 8:
        return False
    code = _filter(*system)
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0


def _filter(architecture: int, refused: tuple[int, ...]) -> bytes:
    """The program: another architecture, x32 or a refused number leads to the last instruction, the rest is allowed."""
    checks = [(_AT_LEAST, _X32), *((_EQUALS, number) for number in refused)]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_EQUALS, 0, len(checks) + 2, architecture),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        *((code, len(checks) - index, 0, value) for index, (code, value) in enumerate(checks)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE | _EACCES),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
