"""Shares of the training data: whole records, nested, the same for the same seed; and adapters that say theirs."""

import json
from types import SimpleNamespace

import pytest

from core.arms import parse_lab_arm
from core.pack import load_pack
from core.settings import Settings
from core.types import Example
from core.workspace import Workspace
from finetune.adapters import AdapterStore
from graft import learning_curve
from graft.lab import find_adapter
from graft.learning_curve import share_of, train_shares
from tests.fakes import write_pack

EXAMPLES = [
    Example(id=f"{record}-{n}", question="Q?", answer="A.", tags=(f"record:{record}",))
    for record in range(20)
    for n in (0, 1)
]


@pytest.mark.parametrize(("share", "records"), [(0.1, 2), (0.25, 5), (0.5, 10), (1.0, 20), (0.001, 1)])
def test_a_share_holds_whole_records(share, records):
    kept = share_of(EXAMPLES, share, 7)
    assert len({example.record for example in kept}) == records
    assert len(kept) == 2 * records
    assert kept == [example for example in EXAMPLES if example in kept]


def test_shares_are_nested_and_follow_the_seed():
    small, large = share_of(EXAMPLES, 0.25, 7), share_of(EXAMPLES, 0.5, 7)
    assert all(example in large for example in small)
    assert share_of(EXAMPLES, 0.25, 7) == small
    assert share_of(EXAMPLES, 0.25, 8) != small


@pytest.fixture
def curve(tmp_path, monkeypatch):
    """Trains the shares of 20 records in a workspace with an active adapter; says which shares were trained."""
    root = tmp_path / "pack"
    write_pack(root)
    (root / "examples").mkdir()
    lines = [example.model_dump_json(by_alias=True) for example in EXAMPLES]
    (root / "examples" / "train.jsonl").write_text("\n".join(lines) + "\n")
    pack = load_pack(str(root), tmp_path, tmp_path)
    workspace = Workspace.open(tmp_path / "w")
    store = AdapterStore(pack.name, workspace.adapters(pack.name))
    trained: list[float] = []

    def publish(version, **fields):
        folder = store.folder / version
        folder.mkdir(parents=True)
        manifest = {"name": f"garden@{version}", "domain": "garden", "base_name": "b", "prompt_hash": None}
        (folder / "graft.json").write_text(json.dumps({**manifest, "method": "qlora", **fields}))
        return f"garden@{version}"

    def train(settings, workspace, pack, share, say, progress):
        trained.append(share)
        options = {"rank": 16} | ({"share": share} if share < 1 else {})
        return publish(f"{round(100 * share):08}", options=options, created="2026-02-02T00:00:00Z")

    whole = publish("aaaa1111", created="2026-01-01T00:00:00Z")
    (store.folder / "active.json").write_text(json.dumps({"history": [whole]}))
    models = SimpleNamespace(llm="llm", llm_name="b")
    monkeypatch.setattr(learning_curve, "prepare_models", lambda *_: models)
    monkeypatch.setattr(learning_curve.build, "prompt_fingerprint", lambda _: "p")
    monkeypatch.setattr(learning_curve, "_train", train)

    def run(*shares):
        trained.clear()
        settings = Settings(workspace=workspace.root)
        found = train_shares(settings, workspace, pack, shares=shares, say=print, progress=lambda *_: None)
        return found, list(trained)

    return store, run


def test_what_saw_a_share_of_the_data_is_no_training_of_all_of_it(curve):
    store, run = curve
    found, trained = run(0.1, 0.5, 1.0)
    assert trained == [0.1, 0.5, 1.0]
    assert find_adapter(store, parse_lab_arm("qlora")) == found[1.0]
    store.remove(found[1.0])
    assert find_adapter(store, parse_lab_arm("qlora")) == "garden@aaaa1111"
    assert find_adapter(store, parse_lab_arm("hybrid@00000050")) == found[0.5]
