"""The frozen test set: recognised, refused when changed, refused when training has seen it."""

import json

import pytest

from core.errors import LabError, LeakageError
from core.files import sha256_file
from core.pack import load_pack
from evaluation.frozen import verify_test_set


def again(pack):
    return load_pack(str(pack.root), pack.root, pack.root)


def test_the_first_run_freezes_and_a_change_is_refused(pack, tmp_path):
    lab = tmp_path / "lab"
    digest = verify_test_set(pack, lab)
    assert digest == sha256_file(pack.test_file)
    assert verify_test_set(again(pack), lab) == digest
    pack.test_file.write_text(pack.test_file.read_text() + "\n")
    with pytest.raises(LabError, match=r"test\.jsonl has changed.*test-set\.json"):
        verify_test_set(again(pack), lab)


def test_the_packs_own_manifest_decides_when_it_names_the_hash(pack, tmp_path):
    manifest = pack.data / "examples" / "manifest.json"
    manifest.write_text(json.dumps({"test_sha256": sha256_file(pack.test_file)}))
    verify_test_set(pack, tmp_path / "lab")
    assert not (tmp_path / "lab").exists()
    manifest.write_text(json.dumps({"test_sha256": "0" * 64}))
    with pytest.raises(LabError, match="graft prepare --domain garden"):
        verify_test_set(pack, tmp_path / "lab")


def test_a_pack_without_test_examples_is_told_what_to_write(pack, tmp_path):
    pack.test_file.unlink()
    with pytest.raises(LabError, match=r"has no test examples: write .*test\.jsonl"):
        verify_test_set(again(pack), tmp_path / "lab")


@pytest.mark.parametrize(
    ("change", "leaks"),
    [
        ({"id": "x", "tags": ["record:quince"]}, True),
        ({"id": "x", "question": "when is QUINCE  pruned? (text 1)"}, True),
        ({"id": "x", "question": "When is quince pruned (text 1)"}, False),
        ({"id": "x"}, False),
    ],
)
def test_a_test_record_or_question_in_training_is_refused(pack, tmp_path, change, leaks):
    row = {"id": "y", "question": "Something new?", "answer": "Yes.", "format": "text"} | change
    with pack.train_file.open("a") as file:
        file.write(json.dumps(row) + "\n")
    if leaks:
        with pytest.raises(LeakageError, match=r"'quince-[01]'.*'x'"):
            verify_test_set(again(pack), tmp_path / "lab")
    else:
        verify_test_set(again(pack), tmp_path / "lab")
