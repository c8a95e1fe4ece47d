"""Finding and preparing models: what is reused, what is refused, and what each refusal says. No model is loaded."""

import json
from pathlib import Path

import pytest

from core.errors import ModelError
from core.settings import ModelSettings
from core.workspace import Workspace
from graft import convert_gguf as conversion
from graft import models
from graft.models import PACKAGED_LLM_NAME, is_prepared, prepare_models


@pytest.fixture
def workspace(tmp_path):
    return Workspace.open(tmp_path / "ws")


@pytest.fixture
def conversions(tmp_path, monkeypatch):
    """Replaces the slow conversion by one that writes small files; returns the sources it was given."""
    source = tmp_path / "model.gguf"
    source.write_bytes(b"weights")
    done = []

    def convert(source: Path, target: Path, name: str) -> None:
        done.append(source)
        (target / "config.json").write_text(name)
        (target / "model.safetensors").write_bytes(b"x" * 10)

    monkeypatch.setattr(models, "packaged_gguf", lambda: source)
    monkeypatch.setattr(models, "packaged_embedder", lambda: tmp_path)
    monkeypatch.setattr(conversion, "convert_gguf", convert)
    monkeypatch.setattr(conversion, "check_model", lambda folder: None)
    return done


def folder(path, *names):
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_text(name)
    return path


def prepare(workspace, **settings):
    return prepare_models(ModelSettings(**settings), workspace, lambda text: None)


def test_the_packaged_model_is_converted_once(workspace, conversions):
    assert not is_prepared(ModelSettings(), workspace)
    first = prepare(workspace)
    assert is_prepared(ModelSettings(), workspace)
    assert prepare(workspace) == first
    assert len(conversions) == 1
    assert first.llm_name == PACKAGED_LLM_NAME
    manifest = json.loads((first.llm / "graft-model.json").read_text())
    assert manifest["files"] == {"config.json": len(PACKAGED_LLM_NAME), "model.safetensors": 10}
    assert len(manifest["sha256"]) == 64


@pytest.mark.parametrize("damage", ["cut", "lose", "manifest", "version"])
def test_a_damaged_or_outdated_conversion_is_made_anew(workspace, conversions, monkeypatch, damage):
    llm = prepare(workspace).llm
    if damage == "cut":
        (llm / "model.safetensors").write_bytes(b"x")
    elif damage == "lose":
        (llm / "config.json").unlink()
    elif damage == "manifest":
        (llm / "graft-model.json").write_text("{")
    else:
        monkeypatch.setattr(models, "version", lambda name: "99")
    assert not is_prepared(ModelSettings(), workspace)
    prepare(workspace)
    assert len(conversions) == 2
    assert is_prepared(ModelSettings(), workspace)


def test_what_a_killed_conversion_left_is_cleared(workspace, conversions):
    folder(workspace.models / ".new-abc" / PACKAGED_LLM_NAME, "model.safetensors")
    prepare(workspace)
    assert sorted(p.name for p in workspace.models.iterdir() if p.is_dir()) == [PACKAGED_LLM_NAME]


def test_a_conversion_that_fails_its_check_is_not_kept(workspace, conversions, monkeypatch):
    def fail(folder: Path) -> None:
        raise ModelError("talks nonsense")

    monkeypatch.setattr(conversion, "check_model", fail)
    with pytest.raises(ModelError, match="nonsense"):
        prepare(workspace)
    assert [p for p in workspace.models.iterdir() if p.is_dir()] == []


def test_a_folder_is_taken_as_it_is(workspace, conversions, tmp_path):
    mine = folder(tmp_path / "mine", "config.json", "model.safetensors")
    prepared = prepare(workspace, llm=str(mine), embedder=str(mine))
    assert (prepared.llm, prepared.embedder) == (mine, mine)
    assert prepared.llm_name.startswith("mine-")
    assert conversions == []


def test_models_in_folders_of_one_name_are_told_apart(workspace, conversions, tmp_path):
    names = set()
    for number in range(2):
        mine = folder(tmp_path / str(number) / "mine", "config.json", "model.safetensors")
        (mine / "model.safetensors").write_text(f"weights {number}")
        names.add(prepare(workspace, llm=str(mine)).llm_name)
    assert len(names) == 2


@pytest.mark.parametrize("option", ["llm", "embedder"])
@pytest.mark.parametrize(
    ("files", "message"),
    [(None, "does not exist"), ([], "no config.json"), (["config.json", "pytorch_model.bin"], r"no \*.safetensors")],
)
def test_a_folder_without_a_safe_model_is_refused(workspace, conversions, tmp_path, option, files, message):
    mine = tmp_path / "mine"
    if files is not None:
        folder(mine, *files)
    with pytest.raises(ModelError, match=rf"--{option}: .*{message}"):
        prepare(workspace, **{option: str(mine)})


def test_an_id_that_cannot_be_fetched_says_how_to_bring_it(workspace, conversions, monkeypatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    def offline(*arguments: object, **options: object) -> None:
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(ModelError, match=r"hf download org/model --local-dir DIR.*'packaged'"):
        prepare(workspace, llm="org/model")
    assert not is_prepared(ModelSettings(llm="org/model"), workspace)


def test_no_file_with_code_is_asked_of_a_hub(workspace, conversions, tmp_path, monkeypatch):
    mine, asked = folder(tmp_path / "hub", "config.json", "model.safetensors"), []

    def download(model_id: str, allow_patterns: list[str], local_files_only: bool) -> str:
        asked.extend(allow_patterns)
        return str(mine)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    prepared = prepare(workspace, llm="org/model")
    assert (prepared.llm, prepared.llm_name) == (mine, "org/model")
    assert not any(pattern.endswith((".py", ".bin", ".pt", "*")) for pattern in asked)


def test_a_server_elsewhere_needs_no_weights_here(workspace, conversions, tmp_path, monkeypatch):
    mine, asked = folder(tmp_path / "hub", "config.json"), []

    def download(model_id: str, allow_patterns: list[str], local_files_only: bool) -> str:
        asked.extend(allow_patterns)
        return str(mine)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    prepare_models(ModelSettings(llm="org/model"), workspace, lambda text: None, weights=False)
    assert asked
    assert not any("safetensors" in pattern for pattern in asked)


def test_a_missing_package_names_the_remedy(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="make setup"):
        models.packaged_gguf()
