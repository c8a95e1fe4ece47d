"""Archives: what was packed comes out the same; what a stranger packed cannot reach out of its folder."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import AdapterError
from finetune.admission import archive as archives
from finetune.admission.archive import pack, unpack


def test_packing_and_unpacking_gives_the_same_files_and_the_same_bytes(folder, tmp_path):
    one, two = pack(folder, tmp_path / "a.zip"), pack(folder, tmp_path / "b.zip")
    assert one.read_bytes() == two.read_bytes()
    out = unpack(one, tmp_path / "out")
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {p.name: p.read_bytes() for p in folder.iterdir()}
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz"])
def test_tar_with_one_folder_is_that_folder(folder, tmp_path, name):
    with tarfile.open(tmp_path / name, "w:gz" if "gz" in name else "w") as archive:
        archive.add(folder, "some-adapter")
    out = unpack(tmp_path / name, tmp_path / "out")
    assert out.name == "some-adapter"
    assert {p.name for p in out.iterdir()} == {p.name for p in folder.iterdir()}


def zipped(*names: str, **kinds: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                info = zipfile.ZipInfo(name)
                info.external_attr = kinds.get("kind", 0o100644) << 16
                archive.writestr(info, "/etc/passwd")

    return write


def tarred(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with tarfile.open(path, "w") as archive:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, 4 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"text"))

    return write


def encrypted(path: Path) -> None:
    zipped("adapter_config.json")(path)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("a.zip", zipped("../evil"), "leaves the archive"),
        ("a.zip", zipped("a/../../evil"), "leaves the archive"),
        ("a.zip", zipped("/evil"), "leaves the archive"),
        ("a.zip", zipped("..\\evil"), "leaves the archive"),
        ("a.zip", zipped("C:evil"), "leaves the archive"),
        ("a.zip", zipped("adapter_config.json", kind=0o120777), "link or a device"),
        ("a.zip", zipped("adapter_config.json", kind=0o020666), "link or a device"),
        ("a.zip", zipped("x.json", "X.json"), "occurs twice"),
        ("a.zip", zipped(*(f"{n}" for n in range(70))), "more than 64 files"),
        ("a.zip", encrypted, "encrypted"),
        ("a.zip", lambda path: path.write_bytes(b"PK\x03\x04 and nothing"), "cannot be read as an archive"),
        ("a.tar", tarred("../evil"), "leaves the archive"),
        ("a.tar", tarred("/tmp/evil"), "leaves the archive"),
        ("a.tar", tarred("adapter_config.json", tarfile.SYMTYPE, "/etc/passwd"), "link or a device"),
        ("a.tar", tarred("adapter_config.json", tarfile.LNKTYPE, "/etc/passwd"), "link or a device"),
        ("a.tar", tarred("adapter_config.json", tarfile.CHRTYPE), "link or a device"),
        ("a.tar", tarred("adapter_config.json", tarfile.FIFOTYPE), "link or a device"),
        ("a.tar", lambda path: path.write_bytes(b"no tar"), "cannot be read as an archive"),
        ("a.tar.gz", lambda path: path.write_bytes(gzip.compress(b"x" * 5000)[:-9]), "cannot be read as an archive"),
    ],
)
def test_hostile_archive_is_refused_and_writes_nothing_outside(tmp_path, name, write, reason):
    home = tmp_path / "home"
    (home / "out").mkdir(parents=True)
    write(tmp_path / name)
    with pytest.raises(AdapterError, match=reason):
        unpack(tmp_path / name, home / "out")
    assert [path.name for path in home.iterdir()] == ["out"]
    assert not any(path.is_symlink() for path in home.rglob("*"))


def test_bomb_stops_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 3 << 20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("adapter_model.safetensors", bytes(20 << 20))
    assert (tmp_path / "a.zip").stat().st_size < 1 << 20
    with pytest.raises(AdapterError, match="unpacks to more than 3 MiB"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) <= 3 << 20
