"""Where an adapter's base and data came from: the revision of the base, the index, and counts of examples."""

from pathlib import Path
from types import SimpleNamespace

from core.workspace import Workspace
from finetune.dataset import DatasetCard
from finetune.rows import RowOptions
from graft.adapters import provenance
from graft.models import PreparedModels, base_revision
from tests.unit.finetune.conftest import write_index

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def model(folder: Path, weights: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_revision_is_the_hub_commit_or_tells_weights_apart(tmp_path):
    assert base_revision(model(tmp_path / "snapshots" / COMMIT)) == COMMIT
    one, same, other = model(tmp_path / "a"), model(tmp_path / "b"), model(tmp_path / "c", b"others")
    assert base_revision(one) == base_revision(same) != base_revision(other)


def test_provenance_names_counts_and_the_index_that_the_rows_are_of(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    service = SimpleNamespace(workspace=workspace, pack=SimpleNamespace(name="garden"))
    card = DatasetCard(
        domain="garden",
        data_hash="d",
        prompt_hash="p",
        test_hash=None,
        inputs="i",
        options=RowOptions(),
        rows=9,
        kinds={},
        records=3,
        examples=7,
        test_examples=2,
        corpus="c",
        corpus_generation="g0",
    )
    models = PreparedModels(model(tmp_path / "m"), "m", tmp_path)
    write_index(workspace.corpus("garden"), {"a.md": ["Of a later ingestion."]})
    found = provenance(service, card, models)  # type: ignore[arg-type]
    assert (found.corpus, found.corpus_generation) == ("c", "g0")
    assert (found.train, found.test, found.records) == (7, 2, 3)
    assert found.base_revision == base_revision(tmp_path / "m")
