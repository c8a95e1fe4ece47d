"""What an adapter folder holds: the names of its files and its manifest. Knows no store and checks nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
MANIFEST = "graft.json"
# So that the folder can be used without its base's: the tokenizer it was trained with.
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


class Provenance(BaseModel):
    """Where an adapter's base and data came from, as far as its job does not say.

    `base_revision` tells versions of a base of the same name apart; `corpus` is the hash of the index that the rows
    were built from, `corpus_generation` its name. Counts are examples (`train`, `test`) and training records. `people`:
    rows that came of what users of the page said, by the users' ids, those of the adapter it goes on from included.
    """

    model_config = ConfigDict(frozen=True)

    base_revision: str | None = None
    corpus: str | None = None
    corpus_generation: str | None = None
    train: int | None = None
    test: int | None = None
    records: int | None = None
    people: dict[str, int] = {}


@dataclass(frozen=True)
class Parent:
    """A published adapter that a training goes on from."""

    name: str
    folder: Path
    rank: int


class AdapterManifest(BaseModel):
    """What an adapter is made of. `name` is `domain@hash`; `base_name` is the base model it belongs to.

    `merged`: not an adapter but a whole model, as dora and full give it. `parent` is the adapter that it goes on from,
    `options` what was chosen for its training, `run` the folder of that.

    `prompt_hash` None: nobody knows which prompts it was trained with. `origin` is where an imported one came from.
    `overrides` are base names and prompt hashes that a person allowed it for; `remarks` are the admission's warnings.
    """

    name: str
    domain: str
    base_name: str
    prompt_hash: str | None
    data_hash: str | None = None
    test_hash: str | None = None
    method: str = "lora"
    preset: str = "default"
    rank: int = 16
    seed: int = 7
    examples: int = 0
    created: str = ""
    provenance: Provenance = Provenance()
    metrics: dict[str, Any] = {}
    versions: dict[str, str] = {}
    origin: str | None = None
    merged: bool = False
    parent: str | None = None
    options: dict[str, Any] = {}
    run: str | None = None
    overrides: list[str] = []
    remarks: list[str] = []
