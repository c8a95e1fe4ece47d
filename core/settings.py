"""All settings, typed, in one place. Precedence: flag, environment (`GRAFT_*`), YAML file, default.

Each stage receives its own frozen section only. Knows nothing of how a stage uses a value.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import SettingsError

PREFIX = "GRAFT_"
# Read elsewhere, not settings of a section: a secret, test and pack switches.
RESERVED_NAMES = frozenset(
    {"GRAFT_CONFIG", "GRAFT_DJANGO_SDIST", "GRAFT_EMBEDDER_KEY", "GRAFT_TORCH_BACKEND", "GRAFT_TEST_LLM"}
)


class Section(BaseModel):
    """A frozen group of settings in which unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(Section):
    """Which models are used."""

    llm: str = Field(
        default="packaged",
        description="Base model: 'packaged' (SmolLM2-135M-Instruct), a Hugging Face id, or a folder.",
    )
    embedder: str = Field(
        default="packaged",
        description="Embedder: 'packaged' (all-MiniLM-L6-v2), a sentence-transformers id, a folder, or 'openai:MODEL'.",
    )
    embedder_url: str | None = Field(
        default=None,
        description="The OpenAI-compatible endpoint (http://host:port/v1) of an 'openai:MODEL' embedder. A key, if it "
        "wants one, is taken from the environment: GRAFT_EMBEDDER_KEY.",
    )


class IngestSettings(Section):
    """How documents become chunks."""

    chunk_tokens: int = Field(default=160, ge=16, le=2048, description="Largest chunk, in tokens of the embedder.")
    batch_size: int = Field(default=64, ge=1, description="Chunks embedded at once.")
    workers: int = Field(default=2, ge=1, description="Parsing processes.")
    max_file_mib: int = Field(default=64, ge=1, description="Larger files are rejected.")
    parse_seconds: float = Field(default=120.0, gt=0, description="A file that takes longer to parse is rejected.")
    parse_memory_mib: int = Field(
        default=3072, ge=512, description="Memory of one parsing process; a file that needs more is rejected."
    )
    watchable: tuple[Path, ...] | None = Field(
        default=None,
        description="Folders of this machine below which the page may watch folders; none given: any that can be read, "
        "but none at all where users log in.",
    )


class RetrieveSettings(Section):
    """How passages are found."""

    k: int = Field(default=5, ge=1, le=50, description="Passages per question, at most.")
    token_budget: int = Field(
        default=450, ge=50, description="Tokens of the language model that passages may take in a prompt."
    )
    candidates: int | None = Field(
        default=None,
        ge=1,
        description="Hits taken from each of dense and lexical search before fusion; none: as tuned, else 40.",
    )
    dense_weight: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Weight of dense search in the fusion, lexical gets the rest; none: as tuned "
        "(graft retriever tune), else 0.4.",
    )
    reranker: str | None = Field(
        default=None,
        description="Cross-encoder that reorders the best hits: a sentence-transformers CrossEncoder id or folder; "
        "none: no reranking.",
    )
    rerank_candidates: int = Field(default=20, ge=1, le=200, description="Hits that the cross-encoder reads.")
    narrow: bool = Field(
        default=True,
        description="Leave table rows and entries of lists out of passages that hold nothing of the question while "
        "others do.",
    )
    chroma_url: str | None = Field(
        default=None,
        description="A Chroma server (http://host:port), on loopback: it checks nobody. None: embedded.",
    )


Method = Literal["lora", "rslora", "dora", "qlora", "full", "dpo", "kto"]
TrainPreset = Literal["default", "best", "gpu-1b", "gpu-3b", "gpu-8b"]


class TrainSettings(Section):
    """How an adapter is trained. Where a value is none, the preset or the method has one."""

    method: Method = Field(
        default="lora",
        description="Training method: lora, rslora and qlora give an adapter; dora and full a whole model; dpo and kto "
        "go on from the active adapter with preferences.",
    )
    preset: TrainPreset = Field(
        default="default",
        description="'default': 135M parameters, 10 minutes on 2 cores; 'best': the same, up to 45; 'gpu-1b', "
        "'gpu-3b', 'gpu-8b': models of about that size on one or several GPUs.",
    )
    rank: int = Field(default=16, ge=1, le=256, description="Rank of the LoRA matrices.")
    alpha: int | None = Field(
        default=None, ge=1, description="LoRA's alpha: updates are scaled by alpha / rank; none: twice the rank."
    )
    targets: Literal["all-linear", "attention", "mlp"] = Field(
        default="all-linear", description="Which linear layers get LoRA matrices: all-linear, attention, or mlp."
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Dropout before the LoRA matrices; above 0 the fast CPU path does not apply.",
    )
    beta: float = Field(
        default=0.1,
        gt=0,
        description="dpo and kto: how firmly the model is held to what it was before; higher is firmer.",
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        description="Peak learning rate, with LoRA+ that of A; none: the preset's, made smaller for full, dpo and kto.",
    )
    loraplus_lr_ratio: float = Field(
        default=1.0,
        ge=1,
        description="LoRA+ (arXiv 2402.12354): LoRA's B matrices, zero at first, learn so many times as fast as A.",
    )
    decision_weight: float | None = Field(
        default=None,
        ge=1,
        description="In the loss, tokens that decide an answer (its citations; in text and Markdown the first, where a "
        "refusal begins) count so many times as much as others; none: the preset's, 1 for dpo and kto.",
    )
    epochs: float | None = Field(default=None, gt=0, description="Passes over the training rows; none: the preset's.")
    rows_per_step: int | None = Field(
        default=None, ge=1, description="Rows behind one optimiser step, over all GPUs; none: the preset's."
    )
    max_minutes: float | None = Field(default=None, gt=0, description="Stop after so many minutes; none: the preset's.")
    max_steps: int | None = Field(
        default=None,
        ge=1,
        description="Do so many optimiser steps, however many passes that is (max_minutes still ends it); none: those "
        "of the passes.",
    )
    validation_share: float | None = Field(
        default=None,
        ge=0,
        le=0.5,
        description="Share of the training records that are held out to validate on; 0: none; none: the preset's.",
    )
    patience: int = Field(
        default=3,
        ge=1,
        description="Stop when so many validations in a row, in the second half of the run, bring nothing better; the "
        "best state is kept.",
    )
    gpus: int = Field(
        default=1,
        ge=1,
        description="GPUs that train one model together (accelerate launch, FSDP); without a GPU: processes.",
    )
    trackio: bool = Field(
        default=False, description="Log to trackio as well (if it is installed), into the run's folder."
    )
    seed: int = Field(default=7, description="Seed of data order, validation split and initialisation.")


class ServeSettings(Section):
    """vLLM, the gateway and the page."""

    host: str = Field(default="127.0.0.1", description="Address the page and the gateway bind to.")
    port: int = Field(default=7860, ge=1, le=65535, description="Port of the page and the gateway.")
    vllm_url: str | None = Field(
        default=None, description="Use a vLLM that already runs (http://host:port) instead of starting one."
    )
    max_model_len: int = Field(default=4096, ge=256, description="Context window, in tokens.")
    kv_cache_gib: float = Field(default=2.0, gt=0, description="Memory for the key-value cache on CPU.")
    gpu_memory_utilization: float = Field(default=0.8, gt=0, le=1, description="Share of GPU memory vLLM may take.")
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        default="auto",
        description="Number format that vLLM computes in; auto: the model's own, float32 on a CPU that lacks bfloat16.",
    )
    tensor_parallel: int = Field(default=1, ge=1, description="GPUs that share one model.")
    replicas: int = Field(
        default=1, ge=1, description="Copies of the model that share the requests (vLLM's data parallelism)."
    )
    threads: int | None = Field(
        default=None, ge=1, description="CPU threads of each copy of the model; none: all cores, shared evenly."
    )
    max_num_seqs: int = Field(default=16, ge=1, description="Requests in one batch.")
    max_waiting: int = Field(
        default=32,
        ge=0,
        description="Requests to /v1 that may wait while max_num_seqs are answered; further ones get 503.",
    )
    max_body_mib: float = Field(
        default=4.0, gt=0, description="Largest request body, in MiB; a key's own line may say otherwise."
    )
    max_upload_mib: float = Field(
        default=512.0, gt=0, description="Files that may be uploaded through the page in one go, in MiB together."
    )
    requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="Requests to /v1 that each key may make in a minute (without keys: all callers together); a key's "
        "own line may say otherwise; none: no limit.",
    )
    log_content: bool = Field(
        default=False, description="Write questions and answers into logs/requests.jsonl, beside the counts."
    )
    max_loras: int = Field(default=2, ge=1, description="Adapters that may share a batch.")
    max_lora_rank: int = Field(default=64, ge=1, description="Largest adapter rank.")
    api_keys_file: Path | None = Field(
        default=None, description="File with one hashed API key per line; needed for any bind but loopback."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Further host names that requests may carry in Host and Origin."
    )
    chat_files: int = Field(default=10, ge=0, description="Files that one conversation may hold; 0: none can be added.")
    chat_file_mib: int = Field(default=16, ge=1, description="Largest file of a conversation, in MiB.")
    chat_user_mib: int = Field(
        default=256, ge=1, description="Files that all conversations of one user may hold together, in MiB."
    )
    extra_args: tuple[str, ...] = Field(default=(), description="Further arguments for vLLM, as they are.")


class GenerateSettings(Section):
    """How answers are written."""

    max_tokens: int = Field(default=320, ge=1, description="Longest answer, in tokens.")
    temperature: float = Field(default=0.0, ge=0, le=2, description="0: always the likeliest token.")
    icl_examples: int = Field(default=3, ge=1, le=20, description="Worked examples in the prompt of the icl arms.")
    timeout_seconds: float = Field(default=120.0, gt=0, description="Longest wait for an answer.")


class LabSettings(Section):
    """How arms are compared."""

    concurrency: int = Field(default=16, ge=1, description="Questions answered at once.")
    max_tokens: int = Field(
        default=192, ge=1, description="Longest answer, in tokens; the expected ones of the shipped packs are shorter."
    )
    bootstrap: int = Field(default=2000, ge=100, description="Resamples behind each confidence interval.")
    seed: int = Field(default=11, description="Seed of samples and resamples.")


class PriceSettings(Section):
    """What answers cost: by tokens where both prices of tokens are set, else by machine time."""

    currency: str = Field(default="USD", description="What prices are in.")
    machine_hour: float = Field(
        default=0.1, ge=0, description="Price of an hour of this machine; the default is an assumption, set yours."
    )
    million_prompt: float | None = Field(default=None, ge=0, description="Price of a million prompt tokens.")
    million_completion: float | None = Field(default=None, ge=0, description="Price of a million tokens of answers.")
    answers_per_training: int = Field(
        default=100_000, ge=1, description="Answers over which the machine time of one training run is spread."
    )


class Settings(Section):
    """Everything that can be set. A key that is not here is an error."""

    workspace: Path = Field(default=Path(".graft"), description="The folder that holds all state.")
    auth_file: Path | None = Field(
        default=None,
        description="The list of users (graft users): everybody logs in, and keys act as a user of it. None: nobody is "
        "asked, and each browser is a user.",
    )
    models: ModelSettings = ModelSettings()
    ingest: IngestSettings = IngestSettings()
    retrieve: RetrieveSettings = RetrieveSettings()
    train: TrainSettings = TrainSettings()
    serve: ServeSettings = ServeSettings()
    generate: GenerateSettings = GenerateSettings()
    lab: LabSettings = LabSettings()
    prices: PriceSettings = PriceSettings()


def load_settings(
    flags: Mapping[str, Any] | None = None,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Merge flags, environment and YAML into Settings. Raises SettingsError that names the wrong key.

    `flags` are dotted keys (`serve.port`); None values mean "not given". Environment names join section and key by two
    underscores (`GRAFT_SERVE__PORT`); an empty one is one that is not set.
    """
    environ = os.environ if environ is None else environ
    merged: dict[str, Any] = {}
    if config is None and environ.get("GRAFT_CONFIG"):
        config = Path(environ["GRAFT_CONFIG"])
    if config is not None:
        _merge(merged, _read_yaml(config))
    _merge(merged, _from_environment(environ))
    for key, value in (flags or {}).items():
        if value is not None:
            _set(merged, key.split("."), value)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"settings file {path} does not exist") from error
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"settings file {path} is not valid YAML: {' '.join(str(error).split())}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError(f"settings file {path} must hold keys and values")
    return value


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in RESERVED_NAMES:
            continue
        path = name.removeprefix(PREFIX).lower().split("__")
        if not _is_setting(path):
            raise SettingsError(f"environment variable {name} is not a setting: see docs/settings.md for the names")
        if not text.strip():
            continue  # as compose files and shells leave what nobody has set; an empty path would be this folder
        is_text = path in (["workspace"], ["auth_file"])
        try:
            _set(found, path, text if is_text else yaml.safe_load(text))
        except yaml.YAMLError as error:
            raise SettingsError(f"environment variable {name} cannot be read as a YAML value: {text!r}") from error
    return found


def _is_setting(path: list[str]) -> bool:
    fields = Settings.model_fields
    if path[0] not in fields:
        return False
    section = fields[path[0]].annotation
    if isinstance(section, type) and issubclass(section, Section):
        return len(path) == 2 and path[1] in section.model_fields
    return len(path) == 1


def _merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for key, value in source.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = dict(value) if isinstance(value, Mapping) else value


def _set(target: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        target = target.setdefault(part, {})
    target[path[-1]] = value


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown setting '{key}': see docs/settings.md for the names"
    return f"setting '{key}' is wrong: {first['msg']}"
