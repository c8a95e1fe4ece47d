"""prepare.py as the command line loads it: from its path, on a small archive of our own."""

import importlib.util
import io
import json
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

from core.errors import PackError
from core.files import sha256_file
from core.pack import load_pack

PACKS = Path(__file__).parents[3] / "domains"

PAGES = {
    "docs/ref/checks.txt": "Checks\n======\n\n* **shop.E001**: A basket must not be empty at night.\n"
    + "".join(f"* **shop.E{n:03}**: Basket part{n} must not hold thing{n}.\n" for n in range(2, 30)),
    "docs/ref/settings.txt": "Settings\n========\n\n.. setting:: COLOUR\n\n``COLOUR``\n----------\n\n"
    "Default: ``'red'``\n\nThe colour of version |version|.\n",
    "docs/releases/3.2.txt": "Old\n===\n",
    "docs/releases/4.2.txt": "New\n===\n",
    "docs/_theme/x.txt": "no page",
    "docs/conf.py": "raise SystemExit",
}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """prepare.py, told to accept an archive of PAGES."""
    spec = importlib.util.spec_from_file_location("prepare_under_test", PACKS / "django" / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    archive = tmp_path / "django-5.2.19.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in PAGES.items():
            member = tarfile.TarInfo(f"django-5.2.19/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("django-5.2.19/docs/evil.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    monkeypatch.setenv("GRAFT_DJANGO_SDIST", str(archive))
    monkeypatch.setattr(loaded.source, "SHA256", sha256_file(archive))
    monkeypatch.setattr(loaded, "_MIN_RECORDS", 1)
    monkeypatch.setattr(loaded, "check_frozen", lambda test_sha256: None)  # PAGES give another test set
    return loaded


def test_another_test_set_than_the_frozen_one_is_refused(module: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.undo()
    with pytest.raises(PackError, match="frozen"):
        module.check_frozen("0" * 64)
    module.check_frozen(module.FROZEN_TEST_SHA256)


def test_it_writes_corpus_examples_and_manifest(module: ModuleType, tmp_path: Path) -> None:
    target = tmp_path / "packs" / "django"
    module.prepare(target, lambda _: None)
    written = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
    assert written == {
        "corpus/ref/checks.md",
        "corpus/ref/settings.md",
        "corpus/releases/4.2.md",
        "examples/train.jsonl",
        "examples/test.jsonl",
        "examples/manifest.json",
    }
    assert "The colour of version 5.2." in (target / "corpus/ref/settings.md").read_text()
    manifest = json.loads((target / "examples/manifest.json").read_text())
    assert manifest["records"] == 30
    assert manifest["made_from"]["django"] == "5.2.19"
    assert manifest["test_sha256"] == sha256_file(target / "examples/test.jsonl")
    assert [p.name for p in target.parent.iterdir()] == ["django"]


def test_a_second_run_does_nothing_and_a_changed_test_set_is_made_anew(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "django"
    module.prepare(target, lambda _: None)
    before = sha256_file(target / "examples/test.jsonl")
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(module.source, "read_pages", lambda _: pytest.fail("read again"))
        module.prepare(target, said.append)
    assert said == ["documentation and examples are up to date"]
    (target / "examples/test.jsonl").write_text("")
    module.prepare(target, lambda _: None)
    assert sha256_file(target / "examples/test.jsonl") == before


def test_a_broken_manifest_is_no_dead_end(module: ModuleType, tmp_path: Path) -> None:
    target = tmp_path / "django"
    module.prepare(target, lambda _: None)
    (target / "examples/manifest.json").write_text("{")
    module.prepare(target, lambda _: None)
    assert json.loads((target / "examples/manifest.json").read_text())["pages"] == 3


def test_another_archive_is_refused_and_nothing_is_written(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.tar.gz"
    other.write_bytes(b"something else")
    monkeypatch.setenv("GRAFT_DJANGO_SDIST", str(other))
    with pytest.raises(PackError, match=r"other\.tar\.gz is not the pinned Django 5\.2\.19"):
        module.prepare(tmp_path / "django", lambda _: None)
    monkeypatch.setenv("GRAFT_DJANGO_SDIST", str(tmp_path / "none.tar.gz"))
    with pytest.raises(PackError, match="does not exist"):
        module.prepare(tmp_path / "django", lambda _: None)
    assert not (tmp_path / "django").exists()


def test_a_failed_download_names_cause_and_remedy(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRAFT_DJANGO_SDIST")
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'ERROR: No matching distribution found' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(module.source.sys, "executable", str(broken))
    with pytest.raises(PackError, match=r"\(No matching distribution found\).*GRAFT_DJANGO_SDIST"):
        module.prepare(tmp_path / "django", lambda _: None)


def test_too_few_records_are_an_error(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MIN_RECORDS", 550)
    with pytest.raises(PackError, match="only 30 records"):
        module.prepare(tmp_path / "django", lambda _: None)


def test_the_pack_itself_is_valid(tmp_path: Path) -> None:
    pack = load_pack("django", PACKS, tmp_path)
    assert pack.name == "django"
    assert pack.file.prepare
    assert not pack.is_prepared
    assert set(pack.schemas) == {"check", "setting", "builtin", "command_option"}
    for schema in pack.schemas.values():
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
