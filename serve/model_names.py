"""Model names of the endpoint: which one means which domain, arm and adapter. Knows neither HTTP nor vLLM.

`django` is the domain with its default arm, `django:rag` one arm, `django@3f9c2a1b` one published adapter;
`django+helpdesk` searches two corpora, and the first one's persona and adapter answer. The head of every name is its
domain, so the names of several domains cannot be mistaken for each other.
"""

import re
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from core.arms import ARMS, Arm
from core.errors import RequestError
from core.pack import DomainPack
from core.service import DomainService

_HEAD_ENDS = re.compile(r"[:@+]")
_ORDER = ("hybrid", "rag", "icl", "rag+icl", "base", "lora", "hybrid+icl")


class UnknownModelError(RequestError):
    """No model of that name; the message lists the names there are."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no model '{name[:100]}': choose one of {', '.join(known)}")


class ModelTarget(BaseModel):
    """What a model name stands for. `adapter` None means the active one, where the arm uses one.

    `corpus` None is the domain's own; several are joined by `+`.
    """

    model_config = ConfigDict(frozen=True)

    arm: Arm
    adapter: str | None = None
    corpus: str | None = None


class ModelEntry(BaseModel):
    """One entry of the list: the name, what it is, and when it was made (ISO 8601; empty: with this process)."""

    name: str
    description: str
    created: str = ""


def default_arm(pack: DomainPack, *, adapter_active: bool) -> Arm:
    """The arm of the domain's own name: the pack's default; rag while that needs an adapter and none is active."""
    arm = ARMS.get(pack.defaults.arm.removesuffix("+schema"), ARMS["hybrid"])
    return ARMS["rag"] if arm.adapter and not adapter_active else arm


def list_models(services: Iterable[DomainService]) -> list[ModelEntry]:
    """All names that answer now, domain by domain, each domain itself first. Reads files."""
    return [entry for service in services for entry in _models_of(service)]


def resolve_model(name: str, services: Sequence[DomainService]) -> tuple[DomainService, ModelTarget]:
    """The domain that `name` begins with, and what it stands for there. Raises UnknownModelError.

    Reads files, unless `resolve_arm` knows the name.
    """
    service = _domain_of(name, services)
    target = None if service is None else _arm_of(name, service) or _elsewhere(name, service)
    if service is None or target is None:
        raise UnknownModelError(name, [entry.name for entry in list_models(services)])
    return service, target


def resolve_arm(name: str, services: Iterable[DomainService]) -> tuple[DomainService, ModelTarget] | None:
    """The same, if `name` is a domain or one of its arms: at once, without reading files."""
    service = _domain_of(name, services)
    target = None if service is None else _arm_of(name, service)
    return None if service is None or target is None else (service, target)


def _domain_of(name: str, services: Iterable[DomainService]) -> DomainService | None:
    head = _HEAD_ENDS.split(name, maxsplit=1)[0]
    return next((service for service in services if service.pack.name == head), None)


def _models_of(service: DomainService) -> list[ModelEntry]:
    """Names of one domain. Of several corpora only pairs are listed."""
    pack, adapter_active = service.pack, service.status().adapter is not None
    arm = default_arm(pack, adapter_active=adapter_active)
    own = ModelEntry(name=pack.name, description=f"{pack.title}. Now: {arm.description}")
    arms = [
        ModelEntry(name=f"{pack.name}:{arm.name}", description=arm.description)
        for arm in _available(pack, adapter_active=adapter_active)
    ]
    published = [
        ModelEntry(name=info.name, description="Passages and this published adapter.", created=info.created)
        for info in service.adapters()
    ]
    pairs = [
        ModelEntry(name=f"{pack.name}+{other}", description=f"{pack.title}, searching '{other}' as well.")
        for other in _other_corpora(service)
        if arm.retrieval
    ]
    return [own, *arms, *published, *pairs]


def _elsewhere(name: str, service: DomainService) -> ModelTarget | None:
    """A published adapter of the domain, or several corpora."""
    if any(name == info.name for info in service.adapters()):
        return ModelTarget(arm=ARMS["hybrid"], adapter=name)
    head, _, rest = name.partition(":")
    first, *others = head.split("+")
    target = _arm_of(f"{first}:{rest}" if rest else first, service)
    known = set(_other_corpora(service)) if others else set()
    searchable = target is not None and target.arm.retrieval and not name.endswith(":")
    if target is None or not searchable or not others or sorted(set(others)) != sorted(others) or set(others) - known:
        return None
    return target.model_copy(update={"corpus": head})


def _arm_of(name: str, service: DomainService) -> ModelTarget | None:
    """The domain itself or one of its arms."""
    pack, active = service.pack, service.status().adapter is not None
    if name == pack.name:
        return ModelTarget(arm=default_arm(pack, adapter_active=active))
    found = (arm for arm in _available(pack, adapter_active=active) if name == f"{pack.name}:{arm.name}")
    return next((ModelTarget(arm=arm) for arm in found), None)


def _other_corpora(service: DomainService) -> list[str]:
    return [corpus.name for corpus in service.corpora() if corpus.name != service.pack.name]


def _available(pack: DomainPack, *, adapter_active: bool) -> list[Arm]:
    # The file is looked for, not read: examples are read once and kept, and prepare.py may still be writing them.
    has_examples = pack.train_file.is_file()
    arms = (ARMS[name] for name in _ORDER)
    return [arm for arm in arms if (adapter_active or not arm.adapter) and (has_examples or not arm.icl)]
