"""Which processors multiply bfloat16, by what Linux says of them."""

from pathlib import Path

import pytest

from core.processor import features, multiplies_bfloat16

ZEN_3 = "processor\t: 0\nflags\t\t: fpu avx avx2 sha_ni\n\nprocessor\t: 1\nflags\t\t: fpu avx avx2 sha_ni\n"
ZEN_4 = "flags\t\t: avx2 avx512f avx512_bf16\n"
GRAVITON_3 = "Features\t: fp asimd i8mm bf16\n"


@pytest.mark.parametrize(("text", "quick"), [(ZEN_3, False), (ZEN_4, True), (GRAVITON_3, True), ("", False)])
def test_bfloat16_needs_instructions(text: str, quick: bool, tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert multiplies_bfloat16(path) is quick


def test_nothing_is_known_where_there_is_no_list(tmp_path: Path) -> None:
    assert features(tmp_path / "none") == frozenset()
    assert not multiplies_bfloat16(tmp_path / "none")
