"""The selectors of the page in words that need no explanation: labels, hints and sensible defaults.

Reads a pack and what a service offers; knows no Gradio.
"""

from collections.abc import Sequence

from core.arms import ARMS, SCHEMA_SUFFIX
from core.pack import DomainPack
from core.service import AdapterInfo, CorpusInfo, DomainService, ServiceStatus
from core.types import Format
from ui.language import marked, several, spoken, t

Choices = list[tuple[str, str]]

ACTIVE_ADAPTER = ""
ANY_SCHEMA = ""

_ARM_WORDS = {
    "hybrid": (
        marked("Documents + trained style"),
        marked("Looks up passages and answers in the style it was trained for."),
    ),
    "rag": (
        marked("Documents"),
        marked("Looks up passages and answers from them, with the model as it came."),
    ),
    "hybrid+icl": (
        marked("Documents + trained style + examples"),
        marked("Also shows the model a few solved questions first."),
    ),
    "rag+icl": (
        marked("Documents + examples"),
        marked("Looks up passages and shows the model a few solved questions first."),
    ),
    "lora": (
        marked("Trained style only"),
        marked("Answers from what training left in it. No documents, so no sources."),
    ),
    "icl": (
        marked("Examples only"),
        marked("Shows the model a few solved questions. No documents, so no sources."),
    ),
    "base": (
        marked("Plain model"),
        marked("The model as it came: no documents, no training. Good for comparing."),
    ),
}
_FORMAT_WORDS: dict[Format, str] = {"text": marked("Text"), "markdown": "Markdown", "json": "JSON", "yaml": "YAML"}


def arm_choices(*, has_adapter: bool, has_examples: bool) -> Choices:
    """Ways of answering on offer; those that need an adapter or examples only where there are any."""
    return [
        (arm_label(name), name)
        for name in [*_ARM_WORDS, *(name for name in ARMS if name not in _ARM_WORDS)]
        if (has_adapter or not ARMS[name].adapter) and (has_examples or not ARMS[name].icl)
    ]


def offered_arms(service: DomainService, status: ServiceStatus) -> Choices:
    """Ways of answering that work now."""
    has_adapter = status.adapter is not None or bool(service.adapters())
    return arm_choices(has_adapter=has_adapter, has_examples=service.pack.train_file.is_file())


def arm_label(name: str) -> str:
    """The words for an arm, with or without the schema suffix."""
    plain = name.removesuffix(SCHEMA_SUFFIX)
    return t(_ARM_WORDS[plain][0]) if plain in _ARM_WORDS else plain


def arm_hint(name: str) -> str:
    """What an arm does, in one sentence."""
    return t(_ARM_WORDS[name][1]) if name in _ARM_WORDS else spoken(ARMS[name].description)


def default_arm(pack: DomainPack, choices: Choices) -> str:
    """The pack's own arm where it is on offer, else the same without the adapter, else documents."""
    offered = {value for _, value in choices}
    wanted = pack.defaults.arm.removesuffix(SCHEMA_SUFFIX)
    without_adapter = {"hybrid": "rag", "hybrid+icl": "rag+icl", "lora": "base"}.get(wanted, "rag")
    return next(arm for arm in (wanted, without_adapter, "rag", "base") if arm in offered)


def format_choices(pack: DomainPack) -> Choices:
    """Formats of the pack."""
    return [(t(_FORMAT_WORDS[format]), format) for format in pack.formats]


def default_format(pack: DomainPack) -> Format:
    """The pack's own format where it is on offer."""
    return pack.defaults.format if pack.defaults.format in pack.formats else pack.formats[0]


def schema_choices(pack: DomainPack) -> Choices:
    """Shapes a structured answer can have."""
    named = [(str(schema.get("title") or name.replace("_", " ")), name) for name, schema in pack.schemas.items()]
    return [(t("Whichever fits"), ANY_SCHEMA), *named]


def adapter_choices(adapters: Sequence[AdapterInfo]) -> Choices:
    """Published adapters, newest first, after the one in use."""
    active = next((adapter for adapter in adapters if adapter.active), None)
    head = t("In use: {adapter}", adapter=active.name) if active else t("The one in use")
    return [(head, ACTIVE_ADAPTER), *((_adapter_label(adapter), adapter.name) for adapter in adapters)]


def corpus_choices(corpora: Sequence[CorpusInfo], pack: DomainPack) -> Choices:
    """Corpora that can be asked, the domain's own first."""
    return [(_corpus_label(corpus, pack), corpus.name) for corpus in corpora]


def joined_corpora(chosen: Sequence[str] | None) -> str | None:
    """The corpora to search, as DomainService takes them; None, the domain's own, where none is chosen."""
    return "+".join(chosen or ()) or None


def _adapter_label(adapter: AdapterInfo) -> str:
    examples = several(adapter.examples, "{count} example", "{count} examples") if adapter.examples else ""
    text = t(", ").join(detail for detail in (adapter.created[:10], examples) if detail)
    return t("{name} ({about})", name=adapter.name, about=text) if text else adapter.name


def _corpus_label(corpus: CorpusInfo, pack: DomainPack) -> str:
    name = pack.title if corpus.name == pack.name else corpus.name
    documents = several(corpus.documents, "{count} document", "{count} documents")
    return t("{name} ({about})", name=name, about=documents) if corpus.documents else name
