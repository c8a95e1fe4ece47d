"""Elementwise passes of a decoder layer on bfloat16 in main memory, compiled by Numba for this processor.

Each function here has a namesake in `lora_math.py` with the same signature; that one defines what is computed,
this one computes it in one pass over memory. One call runs on one thread and holds no interpreter lock, so several
sequences can be worked on at once. Importing the module needs Numba; compiling takes some seconds, once per
machine (cached). Knows nothing of LoRA, layers or training.
"""

from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "fastmath": True,
    "cache": True,
    "error_model": "numpy",
    "boundscheck": False,
}


@intrinsic
def _as_float(typingctx: Any, bits: Any) -> Any:
    """Reinterpret 32 bits as a float."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.uint32), codegen


@intrinsic
def _as_bits(typingctx: Any, number: Any) -> Any:
    """Reinterpret a float as 32 bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.uint32(types.float32), codegen


@intrinsic
def _load(typingctx: Any, half: Any) -> Any:
    """bfloat16 bits to float: the upper half of a float's bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = builder.zext(args[0], ir.IntType(32))
        return builder.bitcast(builder.shl(wide, ir.Constant(ir.IntType(32), 16)), ir.FloatType())

    return types.float32(types.uint16), codegen


@intrinsic
def _store(typingctx: Any, number: Any) -> Any:
    """Float to bfloat16 bits, rounded to nearest even."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(32)
        bits = builder.bitcast(args[0], word)
        odd = builder.and_(builder.lshr(bits, ir.Constant(word, 16)), ir.Constant(word, 1))
        rounded = builder.add(builder.add(bits, ir.Constant(word, 0x7FFF)), odd)
        return builder.trunc(builder.lshr(rounded, ir.Constant(word, 16)), ir.IntType(16))

    return types.uint16(types.float32), codegen
