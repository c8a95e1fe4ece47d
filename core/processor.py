"""What this machine's processor can multiply quickly. Reads Linux's list of features; loads no library."""

import sys
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
# x86: AVX-512 or AMX with bfloat16; ARM.
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


@cache
def features(path: Path = _CPUINFO) -> frozenset[str]:
    """Names of the processor's features as Linux has them; empty elsewhere."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    named = (line.partition(":")[2] for line in text.splitlines() if line.lower().startswith(("flags", "features")))
    return frozenset(next(named, "").split())


def multiplies_bfloat16(path: Path = _CPUINFO) -> bool:
    """Whether bfloat16 is quick here: without instructions for it it is emulated, and float32 up to 8 times as fast.

    Where the features are not known (macOS, Windows) the answer is no: float32 is right everywhere.
    """
    return sys.platform == "linux" and bool(_BFLOAT16 & features(path))
