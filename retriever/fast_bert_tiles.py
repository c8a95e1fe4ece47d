"""Register tiles of two matrix products for code compiled by Numba; every sum stays in a register until it is done.

`tile_codes` multiplies unsigned by signed codes of eight bits, `tile_bf16` bfloat16 by bfloat16: `ROWS` rows by whole
vectors of columns. Knows nothing of what is computed.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types  # pyright: ignore[reportAttributeAccessIssue]

from retriever.fast_bert_simd import (
    CODE_BYTES,
    FLOATS,
    HAS_BF16,
    I16,
    I32,
    I64,
    INTS,
    LANES,
    at,
    broadcast,
    call,
    define,
    ints,
)

ROWS = 6
# Sums and operands fill the registers: 32 where vectors are wide, 16 where they are not.
_CODE_VECTORS = 4 if LANES == 16 else 2
_BF16_VECTORS = 2 if LANES == 16 else 1
CODE_COLUMNS, BF16_COLUMNS = _CODE_VECTORS * LANES, _BF16_VECTORS * LANES
CODES_PER_STEP = 4 // CODE_BYTES  # of one row or column: a step reads four bytes


def _dot_codes(b: Any, sums: Any, left: Any, right: Any) -> Any:
    """Add to each lane the sum of its four (or two) products: unsigned codes on the left, signed ones on the right."""
    if CODE_BYTES == 1:
        return call(b, f"llvm.x86.avx512.vpdpbusd.{32 * LANES}", [sums, left, right], INTS)
    pairs = ir.VectorType(I16, 2 * LANES)
    name = "avx512.pmaddw.d.512" if LANES == 16 else "avx2.pmadd.wd"
    return b.add(sums, call(b, f"llvm.x86.{name}", [b.bitcast(left, pairs), b.bitcast(right, pairs)], INTS))


class _BFloat(ir.types.Type):
    """LLVM's bfloat, which llvmlite does not know."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


def _dot_bf16(b: Any, sums: Any, left: Any, right: Any) -> Any:
    """Add to each lane the sum of two products of bfloat16."""
    if HAS_BF16:
        pairs = ir.VectorType(_BFloat(), 2 * LANES)
        return call(
            b, f"llvm.x86.avx512bf16.dpbf16ps.{32 * LANES}", [sums, b.bitcast(left, pairs), b.bitcast(right, pairs)]
        )
    for part in (lambda v: b.shl(v, ints(16)), lambda v: b.and_(v, ints(-0x10000))):
        factors = [b.bitcast(part(v), FLOATS) for v in (left, right)]
        sums = call(b, f"llvm.fma.v{LANES}f32", [*factors, sums])
    return sums


def _tile(vectors: int, kind: Any, dot: Callable[..., Any]) -> Any:
    """C [ROWS, vectors * LANES] = A B, read four bytes per row and step; strides in bytes.

    Arguments: A, its row stride; B, its stride per step; C, its row stride; steps (at least one).
    """
    cells = [(row, column) for row in range(ROWS) for column in range(vectors)]

    def build(
        b: Any, left: Any, left_stride: Any, right: Any, right_stride: Any, out: Any, out_stride: Any, steps: Any
    ) -> None:
        before, loop, after = b.block, b.append_basic_block("steps"), b.append_basic_block("sums")
        b.branch(loop)
        b.position_at_end(loop)
        step = b.phi(I64)
        step.add_incoming(I64(0), before)
        sums = {cell: b.phi(kind) for cell in cells}
        for value in sums.values():
            value.add_incoming(ir.Constant(kind, None), before)
        start = b.add(right, b.mul(step, right_stride))
        columns = [b.load(at(b, b.add(start, I64(4 * LANES * j)), INTS), align=4) for j in range(vectors)]
        start = b.add(left, b.mul(step, I64(4)))
        done = {}
        for row in range(ROWS):
            word = b.load(at(b, b.add(start, b.mul(left_stride, I64(row))), I32), align=1)
            for column in range(vectors):
                done[row, column] = dot(b, sums[row, column], broadcast(b, word), columns[column])
        following = b.add(step, I64(1))
        step.add_incoming(following, loop)
        for cell in cells:
            sums[cell].add_incoming(done[cell], loop)
        b.cbranch(b.icmp_signed("<", following, steps), loop, after)
        b.position_at_end(after)
        for row, column in cells:
            place = b.add(out, b.add(b.mul(out_stride, I64(row)), I64(4 * LANES * column)))
            b.store(done[row, column], at(b, place, kind), align=4)

    return define(types.void, (types.intp,) * 7, build)


tile_codes = _tile(_CODE_VECTORS, INTS, _dot_codes)
tile_bf16 = _tile(_BF16_VECTORS, FLOATS, _dot_bf16)
