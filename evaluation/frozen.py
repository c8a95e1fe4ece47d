"""The frozen test set: its hash, the proof that it has not changed, and that training has not seen it. Asks nothing."""

from pathlib import Path

from core.errors import LabError, LeakageError
from core.files import read_json, sha256_file, write_json
from core.pack import DomainPack

FROZEN_FILE = "test-set.json"


def verify_test_set(pack: DomainPack, lab_folder: Path) -> str:
    """Return the sha256 of the pack's test file, checked against the pack's manifest or against the first run.

    Raises LabError without test examples or when the file has changed, LeakageError when training saw a test record.
    """
    if not pack.test_examples:
        raise LabError(
            f"domain '{pack.name}' has no test examples: write {pack.test_file}, one JSON object per line "
            "(see docs/domain-packs.md)"
        )
    digest = sha256_file(pack.test_file)
    manifest = pack.data / "examples" / "manifest.json"
    named = read_json(manifest, LabError).get("test_sha256") if manifest.exists() else None
    frozen = lab_folder / FROZEN_FILE
    if named is not None:
        if named != digest:
            raise LabError(
                f"{pack.test_file} is not the test set that {manifest} names: restore it, "
                f"or prepare the pack anew (graft prepare --domain {pack.name})"
            )
    elif not frozen.exists():
        write_json(frozen, {"test_sha256": digest, "examples": len(pack.test_examples)})
    elif read_json(frozen, LabError).get("test_sha256") != digest:
        raise LabError(
            f"{pack.test_file} has changed since the first lab froze it: restore it, or remove {frozen} to freeze "
            "the new one (figures from before are then of another test set)"
        )
    check_leakage(pack)
    return digest


def frozen_by(pack: DomainPack, lab_folder: Path) -> str:
    """What holds the test set as it is, in one sentence; changes nothing. Raises LabError for a damaged file."""
    manifest, frozen = pack.data / "examples" / "manifest.json", lab_folder / FROZEN_FILE
    for holder, words in ((manifest, "by the pack's manifest"), (frozen, "by the first lab run")):
        named = read_json(holder, LabError).get("test_sha256") if holder.exists() else None
        if named is not None:
            same = pack.test_file.exists() and sha256_file(pack.test_file) == named
            state = "" if same else " The file has changed since: the lab will refuse it."
            return f"Frozen {words} (sha256 {named[:12]}).{state}"
    return "It will be frozen by the first lab run."


def check_leakage(pack: DomainPack) -> None:
    """Refuse a test example whose record or question stands in the training examples. Raises LeakageError.

    Questions are compared with case and white space folded, but with their punctuation: `{% now %}` is not `|now`.
    """
    records = {example.record: example.id for example in pack.train_examples}
    questions = {_folded(example.question): example.id for example in pack.train_examples}
    for example in pack.test_examples:
        twin = records.get(example.record) or questions.get(_folded(example.question))
        if twin is not None:
            raise LeakageError(
                f"test example '{example.id}' shares its record or question with training example '{twin}': "
                f"remove one of them from {pack.train_file.parent}; figures on trained-on questions mean nothing"
            )


def _folded(question: str) -> str:
    return " ".join(question.casefold().split())
