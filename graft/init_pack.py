"""Writes a valid domain pack around a folder of documents. Copies them: a pack is whole in itself.

Overwrites nothing; the pack appears in one step, so a stopped run leaves none half-made.
"""

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml
from pydantic import ValidationError

from core.errors import PackError
from core.files import disk_error
from core.pack import PackFile, load_pack
from graft.build import SHIPPED_PACKS

_DOMAIN_YAML = """\
# What makes this folder a chatbot. Every key is described in docs/domain-packs.md; a misspelt one is an error.
{head}
description: Answers from the documents in corpus/.          # one sentence, shown in the page

# The system prompt: who answers, in what manner. The adapter learns this voice from your examples.
persona: |
  You answer questions about {title} from its documents.
  You are exact and brief, and you say which passage an answer is from.

corpus: [corpus/]                       # files or folders inside this pack
formats: [text, markdown]               # add json and yaml once schemas/ holds a JSON Schema
refusal: I cannot find this in the documents.
sample_questions: []                    # shown above an empty chat, for example: [When do I prune a quince?]
defaults: {{arm: rag, format: text, k: 5}} # arm: hybrid once an adapter is trained
"""

_README = """\
# {title}

A Graft domain pack. Chat with it:

    graft up --domain {target}

Next steps, each worth it by itself:

1. Put your own words into `persona` in `domain.yaml`.
2. Write questions with right answers into `examples/` (see the README there): 20 for `test.jsonl` tell you how good
   the answers are (`graft lab --domain {target}`), 300 for `train.jsonl` train an adapter that writes in your manner.
3. For JSON or YAML answers, add a JSON Schema as `schemas/NAME.json`, and `json, yaml` to `formats`.

Documents are in `corpus/`: change them there, then run `graft ingest --domain {target}`.
"""

_EXAMPLES_README = """\
# Examples

Two files belong here, one JSON object per line; both are optional.

- `train.jsonl`: what an adapter is trained on, and what few-shot prompts show.
- `test.jsonl`: the frozen test set of the lab. Nothing in it may ask about a record that is in `train.jsonl`.

A line (`source` is a path inside `corpus/`, `quote` is copied from that file word for word):

    {"id": "q1", "question": "...", "answer": "...", "format": "text", "evidence": [{"source": "a.md", "quote": "..."}]}

`"answerable": false` marks a question that the documents do not answer. Add some: without them no model learns to
refuse. `docs/domain-packs.md` of Graft has every key.
"""


def init_pack(
    name: str, docs: Path, target: Path | None = None, say: Callable[[str], None] = lambda line: None
) -> Path:
    """Write a pack called `name` around the files of `docs` into `target` (default: ./NAME) and return its path.

    Hidden files, links to folders, and what is no file at all are left out; `say` names each. Raises PackError.
    """
    target = (target or Path(name)).expanduser()
    _check_name(name)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise PackError(f"{target} exists already: choose another folder with --target, or remove it")
    files = _list_files(docs.expanduser(), say)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{name}-") as folder:
            pack = Path(folder) / name
            _write_pack(pack, name, files, target)
            load_pack(str(pack), SHIPPED_PACKS, pack)
            pack.chmod(0o755)
            pack.replace(target)
    except OSError as error:
        raise disk_error(error, target) from error
    return target


def _check_name(name: str) -> None:
    try:
        PackFile(name=name, persona="-", corpus=("corpus/",))
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise PackError(f"pack name '{name}' {reason}") from error
    if (SHIPPED_PACKS / name).is_dir():
        raise PackError(f"'{name}' is the name of a pack that ships with Graft, and they would share an index: rename")


def _list_files(docs: Path, say: Callable[[str], None]) -> dict[Path, Path]:
    """Path inside the corpus, and source, of every file to copy. Raises PackError when there is none."""
    if docs.is_file():
        return {Path(docs.name): docs}
    if not docs.is_dir():
        raise PackError(f"--docs {docs}: no such folder")
    found: dict[Path, Path] = {}

    def refuse(error: OSError) -> None:
        raise PackError(f"--docs: cannot read {error.filename}: {error.strerror}") from error

    for folder, folders, names in os.walk(docs, onerror=refuse):
        for entry in sorted([*folders, *names]):
            path = Path(folder) / entry
            reason = _why_not(path, is_folder=entry in folders)
            if reason:
                say(f"left out {path}: {reason}")
                if entry in folders:
                    folders.remove(entry)
            elif entry not in folders:
                found[path.relative_to(docs)] = path
    if not found:
        raise PackError(f"--docs {docs} holds no files: a pack needs at least one document")
    return found


def _why_not(path: Path, *, is_folder: bool) -> str | None:
    if path.name.startswith("."):
        return "hidden"
    if is_folder:
        return "a link to a folder; name that folder itself" if path.is_symlink() else None
    if not path.is_file():
        return "a link that leads nowhere" if path.is_symlink() else "not a file"
    return None


def _write_pack(pack: Path, name: str, files: dict[Path, Path], target: Path) -> None:
    title = name.replace("-", " ").capitalize()
    for inside, source in files.items():
        copy = pack / "corpus" / inside
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    (pack / "examples").mkdir()
    (pack / "schemas").mkdir()
    # A name such as `on` or `null` has to be quoted in YAML.
    head = yaml.safe_dump({"name": name, "title": title}, sort_keys=False).strip()
    (pack / "domain.yaml").write_text(_DOMAIN_YAML.format(head=head, title=title), encoding="utf-8")
    place = shlex.quote(str(target))
    (pack / "README.md").write_text(_README.format(title=title, target=place), encoding="utf-8")
    (pack / "examples" / "README.md").write_text(_EXAMPLES_README, encoding="utf-8")
