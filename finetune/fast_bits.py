"""Numbers in memory inside code compiled by Numba: float32, and bfloat16, which it does not know, by its bits."""

from typing import Any

from llvmlite import ir
from numba import types  # pyright: ignore[reportAttributeAccessIssue]
from numba.extending import intrinsic, overload

_WORD, _HALF, _FLOAT = ir.IntType(32), ir.IntType(16), ir.FloatType()


def _float_of_bits(_context: Any, _bits: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], _FLOAT)

    return types.float32(types.uint32), generate


def _load(_context: Any, number: Any) -> Any:
    if number == types.float32:
        return types.float32(types.float32), lambda _context, _builder, _signature, args: args[0]

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(builder.shl(builder.zext(args[0], _WORD), _WORD(16)), _FLOAT)

    return types.float32(types.uint16), generate


def _store(_context: Any, _number: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], _WORD)
        odd = builder.and_(builder.lshr(bits, _WORD(16)), _WORD(1))
        rounded = builder.add(builder.add(bits, _WORD(0x7FFF)), odd)
        return builder.trunc(builder.lshr(rounded, _WORD(16)), _HALF)

    return types.uint16(types.float32), generate


# Reinterpret 32 bits as a float; what stands in memory as a float; a float as a bfloat16, rounded to nearest even.
float_of_bits: Any = intrinsic(_float_of_bits)
load: Any = intrinsic(_load)
_to_bits: Any = intrinsic(_store)


def put(row: Any, index: Any, value: Any) -> None:
    """Store a float in a row of float32, or of bfloat16 as its bits. For compiled code only."""
    raise NotImplementedError


@overload(put, inline="always")
def _put(row: Any, index: Any, value: Any) -> Any:  # noqa: ARG001
    if row.dtype == types.float32:

        def exact(row: Any, index: Any, value: Any) -> None:
            row[index] = value

        return exact

    def rounded(row: Any, index: Any, value: Any) -> None:
        row[index] = _to_bits(value)

    return rounded
