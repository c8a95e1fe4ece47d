"""Prepares the `django` pack: Django's documentation as Markdown, and examples read from its structure.

Writes corpus and examples into a folder of the workspace, never into the pack: nothing of Django is shipped.
"""

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from core.errors import PackError
from core.files import disk_error, read_json, sha256_file, sha256_json, write_json, write_lines

_HERE = Path(__file__).resolve().parent
if str(_HERE) not in sys.path:  # this file is loaded from its path
    sys.path.insert(0, str(_HERE))

from django_docs import examples, records, source, subjects  # noqa: E402
from django_docs.blocks import Page  # noqa: E402
from django_docs.links import page_links, scan_titles  # noqa: E402

# The test set is frozen: figures of different days compare only on the same questions. Whoever changes it on purpose
# writes the new hash here and measures every arm again.
FROZEN_TEST_SHA256 = "00fef06c268e87dc9ff2861909ed4abe403dcf6a569d1a5e00c33b232d228a1c"
_MIN_RECORDS = 550
_MIN_REFUSALS = 45
_NAMED = re.compile(r"^\.\. (setting|templatetag|templatefilter):: *(\S+)", re.MULTILINE)


def prepare(target: Path, on_progress: Callable[[str], None]) -> None:
    """Fill `target` with corpus/, examples/train.jsonl, test.jsonl and manifest.json, in one step.

    Returns at once when `target` was made by this code from this version. Raises PackError when the documentation
    cannot be obtained, WorkspaceError when it cannot be written.
    """
    if is_current(target):
        on_progress("documentation and examples are up to date")
        return
    pages = source.read_pages(on_progress)
    on_progress(f"converting {len(pages)} pages to Markdown")
    corpus = convert(pages)
    on_progress("deriving examples")
    try:
        _write(target, corpus, pages)
    except OSError as error:
        raise disk_error(error, target) from error


def is_current(target: Path) -> bool:
    """Whether `target` was made by this code from the pinned version, and its test set is untouched."""
    manifest, test = target / "examples" / "manifest.json", target / "examples" / "test.jsonl"
    if not (manifest.is_file() and test.is_file() and (target / "corpus").is_dir()):
        return False
    try:
        made = read_json(manifest, PackError)
    except PackError:
        return False  # broken: made anew
    pages = sum(1 for _ in (target / "corpus").rglob("*.md"))
    found = {"made_from": _made_from(), "pages": pages, "test_sha256": sha256_file(test)}
    return all(made.get(key) == value for key, value in found.items())


def _made_from() -> dict[str, str]:
    code = {str(p.relative_to(_HERE)): sha256_file(p) for p in sorted(_HERE.rglob("*.py"))}
    return {"django": source.VERSION, "sdist_sha256": source.SHA256, "code_sha256": sha256_json(code)}


def convert(pages: Mapping[str, str]) -> dict[str, str]:
    """Convert the wanted `pages` (name -> reStructuredText); return path -> Markdown."""
    titles, labels = scan_titles(pages)
    version = source.VERSION.rsplit(".", 1)[0]
    return {
        f"{name}.md": Page(page_links(name, text, titles, labels)).convert(text.replace("|version|", version))
        for name, text in pages.items()
        if source.is_wanted(name)
    }


def _write(target: Path, corpus: Mapping[str, str], pages: Mapping[str, str]) -> None:
    names = {f"{name}.md": set(_NAMED.findall(text)) for name, text in pages.items()}
    found = records.derive(corpus, names)
    invented = subjects.invented_subjects()
    subjects.check_invented(invented, found, "\n".join(corpus.values()))
    train, test = examples.build([*subjects.real_subjects(found), *invented])
    refusals = sum(not row["answerable"] for row in test)
    if len(found) < _MIN_RECORDS or refusals < _MIN_REFUSALS:
        raise PackError(f"only {len(found)} records and {refusals} unanswerable test questions were found")
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_name(f".{target.name}.new")
    shutil.rmtree(building, ignore_errors=True)  # of a run that was killed
    try:
        for path, text in corpus.items():
            file = building / "corpus" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        write_lines(building / "examples" / "train.jsonl", train)
        write_lines(building / "examples" / "test.jsonl", test)
        frozen = sha256_file(building / "examples" / "test.jsonl")
        check_frozen(frozen)
        manifest = {
            "made_from": _made_from(),
            "records": len(found),
            "pages": len(corpus),
            "train": examples.count(train),
            "test": examples.count(test),
            "test_sha256": frozen,
        }
        write_json(building / "examples" / "manifest.json", manifest)
        _swap(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def check_frozen(test_sha256: str) -> None:
    """Refuse a test set that is not the frozen one. Raises PackError."""
    if test_sha256 != FROZEN_TEST_SHA256:
        raise PackError(
            f"the test set has hash {test_sha256}, the frozen one {FROZEN_TEST_SHA256}: undo the change to this "
            "pack that alters test questions, or freeze the new set in domains/django/prepare.py"
        )


def _swap(building: Path, target: Path) -> None:
    """Put `building` in the place of `target`. A kill in between leaves no target: the next run makes it anew."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    building.rename(target)
    shutil.rmtree(old, ignore_errors=True)
