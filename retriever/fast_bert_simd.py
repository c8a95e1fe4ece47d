"""Vector instructions for code compiled by Numba: a vector is a value of its own, `LANES` float32 wide.

Numba vectorises loops by chance: a maximum or an awkward length makes one ten times slower. Addresses are plain
integers. `supported()` says whether this processor has what is needed. Knows nothing of what is computed.

A code is a number of eight bits. Where a processor multiplies bytes (VNNI) a code takes one, elsewhere two: products of
16 bits are what it then has, half as many at once. The sums are the same.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types  # pyright: ignore[reportAttributeAccessIssue]
from numba.core.registry import cpu_target
from numba.extending import intrinsic, models, register_model  # pyright: ignore[reportAttributeAccessIssue]

_context: Any = cpu_target.target_context
_FEATURES = set(_context.codegen().magic_tuple()[2].split(","))
_WIDE = {"+avx512f", "+avx512bw", "+avx512vl"} <= _FEATURES
_NARROW = {"+avx2", "+fma"} <= _FEATURES
CODE_BYTES = 1 if ("+avx512vnni" if _WIDE else "+avxvnni") in _FEATURES else 2
HAS_BF16 = _WIDE and "+avx512bf16" in _FEATURES
LANES = 16 if _WIDE else 8

I8, I16, I32, I64, F32 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()
INTS, FLOATS = ir.VectorType(I32, LANES), ir.VectorType(F32, LANES)
_FAST = ("fast",)


def supported() -> bool:
    """Whether this processor has vectors of 256 bits at least, and all that is called here."""
    return _WIDE or _NARROW


class _Vector(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


vector = _Vector()


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, FLOATS)


# Building instructions -----------------------------------------------------------------------------------------------


def define(result: Any, arguments: tuple[Any, ...], build: Callable[..., Any]) -> Any:
    """An operation for compiled code: `build(builder, *arguments)` writes its instructions."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        made = build(builder, *values)
        return context.get_dummy_value() if result is types.void else made

    signature = result(*arguments)
    shapes: dict[int, Callable[..., Any]] = {
        1: lambda _context, a: (signature, generate),
        2: lambda _context, a, b: (signature, generate),
        3: lambda _context, a, b, c: (signature, generate),
        7: lambda _context, a, b, c, d, e, f, g: (signature, generate),
    }
    return intrinsic(shapes[len(arguments)])


def call(builder: Any, name: str, arguments: list[Any], result: Any = FLOATS, fast: tuple[str, ...] = ()) -> Any:
    """A call of one of LLVM's own functions."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(builder.module.declare_intrinsic(name, fnty=kind), arguments, fastmath=fast)


def at(builder: Any, address: Any, kind: Any) -> Any:
    """An address as a pointer to `kind`."""
    return builder.inttoptr(address, ir.PointerType(kind))


def broadcast(builder: Any, value: Any) -> Any:
    """A vector of one value."""
    kind = ir.VectorType(value.type, LANES)
    nothing = ir.Constant(kind, ir.Undefined)
    return builder.shuffle_vector(builder.insert_element(nothing, value, I32(0)), nothing, ir.Constant(INTS, None))


def _floats(number: float) -> Any:
    return ir.Constant(FLOATS, [number] * LANES)


def ints(number: int) -> Any:
    """A vector of one constant."""
    return ir.Constant(INTS, [number] * LANES)


def _bf16_bits(builder: Any, value: Any) -> Any:
    """float32 to the nearest bfloat16, in the upper half of each 32 bits (the lower one is rubbish)."""
    return builder.add(builder.bitcast(value, INTS), ints(0x8000))


# Memory --------------------------------------------------------------------------------------------------------------


def _store_bf16(builder: Any, address: Any, value: Any) -> None:
    narrow = ir.VectorType(I16, LANES)
    half = builder.trunc(builder.lshr(_bf16_bits(builder, value), ints(16)), narrow)
    builder.store(half, at(builder, address, narrow), align=2)


def _store_even(builder: Any, address: Any, value: Any) -> None:
    half = builder.lshr(_bf16_bits(builder, value), ints(16))
    builder.store(half, at(builder, address, INTS), align=4)


def _store_odd(builder: Any, address: Any, value: Any) -> None:
    place = at(builder, address, INTS)
    upper = builder.and_(_bf16_bits(builder, value), ints(-0x10000))
    builder.store(builder.or_(builder.load(place, align=4), upper), place, align=4)


def _store_codes(builder: Any, address: Any, value: Any) -> None:
    narrow = ir.VectorType(I8 if CODE_BYTES == 1 else I16, LANES)
    builder.store(builder.trunc(builder.fptosi(value, INTS), narrow), at(builder, address, narrow), align=1)


def _row(_context: Any, array: Any, _index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, values[0])
        stride = builder.extract_value(made.strides, 0)
        return builder.add(builder.ptrtoint(made.data, I64), builder.mul(stride, values[1]))

    return types.intp(array, types.intp), generate


# Address of row `index` of an array. A slice would say the same, but count its references, which takes longer.
row_of: Any = intrinsic(_row)
load = define(vector, (types.intp,), lambda b, place: b.load(at(b, place, FLOATS), align=4))
load_ints = define(vector, (types.intp,), lambda b, place: b.sitofp(b.load(at(b, place, INTS), align=4), FLOATS))
store = define(types.void, (types.intp, vector), lambda b, place, v: b.store(v, at(b, place, FLOATS), align=4))
# As bfloat16: side by side; or in the lower, then the upper halves of 32 bits, for the pairs that tile_bf16 reads.
store_bf16 = define(types.void, (types.intp, vector), _store_bf16)
store_even = define(types.void, (types.intp, vector), _store_even)
store_odd = define(types.void, (types.intp, vector), _store_odd)
# As codes; the fraction is cut off, and the value must lie in 0 .. 255.
store_codes = define(types.void, (types.intp, vector), _store_codes)

# Arithmetic ----------------------------------------------------------------------------------------------------------


def _exp2(b: Any, x: Any) -> Any:
    """Two to the power of x within 1e-4 of its value; below -126 it is as good as 0, above 126 it is wrong."""
    x = call(b, f"llvm.maxnum.v{LANES}f32", [x, _floats(-126.0)], fast=_FAST)
    whole = call(b, f"llvm.floor.v{LANES}f32", [b.fadd(x, _floats(0.5))])
    rest = b.fsub(x, whole)
    power = _floats(0.05517166)
    for number in (0.24261112, 0.69326098, 0.99992807):
        power = call(b, f"llvm.fma.v{LANES}f32", [power, rest, _floats(number)])
    exponent = b.shl(b.fptosi(whole, INTS), ints(23))
    return b.bitcast(b.add(b.bitcast(power, INTS), exponent), FLOATS)


splat = define(vector, (types.float32,), broadcast)
add = define(vector, (vector, vector), lambda b, x, y: b.fadd(x, y))
sub = define(vector, (vector, vector), lambda b, x, y: b.fsub(x, y))
mul = define(vector, (vector, vector), lambda b, x, y: b.fmul(x, y))
fma = define(vector, (vector, vector, vector), lambda b, x, y, z: call(b, f"llvm.fma.v{LANES}f32", [x, y, z]))
absolute = define(vector, (vector,), lambda b, x: call(b, f"llvm.fabs.v{LANES}f32", [x]))
larger = define(vector, (vector, vector), lambda b, x, y: call(b, f"llvm.maxnum.v{LANES}f32", [x, y], fast=_FAST))
smaller = define(vector, (vector, vector), lambda b, x, y: call(b, f"llvm.minnum.v{LANES}f32", [x, y], fast=_FAST))
exp2 = define(vector, (vector,), _exp2)
root = define(types.float32, (types.float32,), lambda b, x: call(b, "llvm.sqrt.f32", [x], F32))
total = define(
    types.float32,
    (vector,),
    lambda b, x: call(b, f"llvm.vector.reduce.fadd.v{LANES}f32", [ir.Constant(F32, -0.0), x], F32, _FAST),
)
largest = define(
    types.float32, (vector,), lambda b, x: call(b, f"llvm.vector.reduce.fmax.v{LANES}f32", [x], F32, _FAST)
)
smallest = define(
    types.float32, (vector,), lambda b, x: call(b, f"llvm.vector.reduce.fmin.v{LANES}f32", [x], F32, _FAST)
)
