"""Domain packs: the folder that makes Graft a chatbot for one domain, read and checked. Prepares nothing."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from core.arms import parse_arm
from core.errors import PackError, RequestError
from core.examples import read_examples
from core.sections import sections_of
from core.types import Example, Format

_NAME = re.compile(r"[a-z][a-z0-9-]*")


class PackDefaults(BaseModel):
    """What a chat starts with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arm: str = "hybrid"
    format: Format = "text"
    k: int = Field(default=5, ge=1, le=50)

    @field_validator("arm")
    @classmethod
    def _arm_exists(cls, value: str) -> str:
        try:
            parse_arm(value)
        except RequestError as error:
            raise ValueError(str(error)) from error
        return value


class PackFile(BaseModel):
    """`domain.yaml`, key by key. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    persona: str = Field(min_length=1)
    corpus: tuple[str, ...] = Field(min_length=1)
    title: str = ""
    description: str = ""
    formats: tuple[Format, ...] | None = None
    refusal: str = Field(default="I cannot find this in the documents.", min_length=1)
    sample_questions: tuple[str, ...] = ()
    prepare: bool = False
    defaults: PackDefaults = PackDefaults()

    @field_validator("name")
    @classmethod
    def _name_is_plain(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("must be lower-case letters, digits and dashes, starting with a letter")
        return value

    @field_validator("corpus", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class DomainPack:
    """A pack as read from `root`; `data` is where its corpus and examples stand.

    For packs with `prepare: true` that is a folder in the workspace, filled by `prepare.py`; else it is `root`.
    """

    def __init__(self, root: Path, file: PackFile, data: Path) -> None:
        self.root, self.file, self.data = root, file, data
        self.name, self.title = file.name, file.title or file.name.capitalize()
        self.persona, self.refusal, self.defaults = file.persona.strip(), file.refusal.strip(), file.defaults
        self.schemas = _read_schemas(root / "schemas")
        self._given: list[Example] | None = None
        self._known: dict[Path, tuple[tuple[int, ...], list[Example]]] = {}

    @property
    def formats(self) -> tuple[Format, ...]:
        """Formats on offer: as listed, or text and markdown, plus json and yaml where the pack has schemas."""
        if self.file.formats:
            return self.file.formats
        return ("text", "markdown", "json", "yaml") if self.schemas else ("text", "markdown")

    @property
    def is_prepared(self) -> bool:
        """Whether the corpus is in place (always true for packs without prepare.py)."""
        return not self.file.prepare or (self.data / "examples" / "manifest.json").is_file()

    @property
    def corpus_paths(self) -> list[Path]:
        """The files and folders of the corpus. Raises PackError when one is missing or leaves the pack."""
        paths = []
        for entry in self.file.corpus:
            path = (self.data / entry).resolve()
            if not path.is_relative_to(self.data.resolve()):
                raise PackError(f"{self.root / 'domain.yaml'}: corpus: '{entry}' leaves the pack; use a path inside it")
            if not path.exists():
                raise PackError(f"{self.root / 'domain.yaml'}: corpus: '{entry}' does not exist in {self.data}")
            paths.append(path)
        return paths

    @property
    def train_file(self) -> Path:
        """Examples for training and ICL; may be absent."""
        return self.data / "examples" / "train.jsonl"

    @property
    def test_file(self) -> Path:
        """The frozen test set; may be absent."""
        return self.data / "examples" / "test.jsonl"

    @property
    def preferences_file(self) -> Path:
        """Better and worse answers, for dpo and kto; may be absent."""
        return self.data / "examples" / "preferences.jsonl"

    @property
    def train_examples(self) -> list[Example]:
        """Training examples, checked against the pack; empty without a file. Read again when the file has changed."""
        return self._read(self.train_file) if self._given is None else self._given

    @property
    def test_examples(self) -> list[Example]:
        """Test examples, checked against the pack; empty without a file."""
        return self._read(self.test_file)

    def with_examples(self, examples: Sequence[Example]) -> "DomainPack":
        """The pack as if these were its training examples."""
        other = DomainPack(self.root, self.file, self.data)
        other._given = list(examples)
        return other

    def schema_for(self, format: Format, name: str | None) -> dict[str, Any] | None:
        """The JSON Schema an answer has to match: the named one, or any of the pack's for json and yaml.

        None for text, and for markdown without a name; with one, its sections are meant (core.sections).
        """
        if format == "text" or (format == "markdown" and name is None):
            return None
        if name is not None:
            if name not in self.schemas:
                known = ", ".join(self.schemas) or "none"
                raise RequestError(f"domain '{self.name}' has no schema '{name}': it has {known}")
            return self.schemas[name]
        if not self.schemas:
            return {"type": "object"}
        return next(iter(self.schemas.values())) if len(self.schemas) == 1 else {"anyOf": list(self.schemas.values())}

    def _read(self, path: Path) -> list[Example]:
        try:
            found = path.stat()
        except OSError:
            return []
        # Files are replaced, not changed: another one has another number, time or size.
        state = (found.st_ino, found.st_mtime_ns, found.st_size)
        known = self._known.get(path)
        if known is None or known[0] != state:
            known = self._known[path] = (state, read_examples(path, self.schemas))
        return known[1]


def load_pack(reference: str, shipped: Path, prepared: Path) -> DomainPack:
    """Load a pack by the name of a shipped one or the path of any pack folder. Raises PackError.

    `shipped` holds the packs that come with Graft; `prepared` the data that prepare.py files wrote, by name.
    """
    root = _find(reference, shipped)
    path = root / "domain.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PackError(
            f"{path} does not exist: a domain pack needs one (graft init NAME --docs FOLDER writes it)"
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PackError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise PackError(f"{path} must hold keys and values: name, persona and corpus at least")
    try:
        file = PackFile.model_validate(content)
    except ValidationError as error:
        raise PackError(f"{path}: {_explain(error)}") from error
    return DomainPack(root, file, prepared / file.name if file.prepare else root)


def _find(reference: str, shipped: Path) -> Path:
    looks_like_path = "/" in reference or reference.startswith((".", "~"))
    if not looks_like_path and (shipped / reference / "domain.yaml").is_file():
        return (shipped / reference).resolve()
    path = Path(reference).expanduser()
    if path.is_dir():
        return path.resolve()
    names = sorted(p.parent.name for p in shipped.glob("*/domain.yaml"))
    raise PackError(
        f"no domain '{reference}': name a shipped one ({', '.join(names) or 'none'}) or a pack folder's path"
    )


def _read_schemas(folder: Path) -> dict[str, dict[str, Any]]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    schemas = {}
    for path in sorted(folder.glob("*.json")):
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
            Draft202012Validator.check_schema(schema)
        except (OSError, ValueError) as error:
            raise PackError(f"{path} cannot be read as JSON: {error}") from error
        except SchemaError as error:
            raise PackError(f"{path} is not a JSON Schema: {error.message}") from error
        try:
            sections_of(schema)
        except ValueError as error:
            raise PackError(f"{path}: {error}") from error
        schemas[path.stem] = schema
    return schemas


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(PackFile.model_fields if len(first["loc"]) == 1 else PackDefaults.model_fields)
        return f"unknown key '{key}'; known keys: {known}"
    if first["type"] == "missing":
        return f"key '{key}' is missing"
    return f"{key}: {first['msg'].removeprefix('Value error, ')}"
