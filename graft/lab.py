"""Wires the lab: a domain's service answers, the evaluation asks, counts and reports. Prints nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.arms import Arm, parse_lab_arm
from core.chat import Question
from core.files import read_json, sha256_json, write_json
from core.index import index_fingerprint
from core.pack import DomainPack
from core.service import DomainService
from core.settings import Settings
from core.types import Answer
from core.workspace import Workspace
from finetune.adapters import AdapterStore
from graft import build
from graft.connect import connected
from graft.models import prepare_models

if TYPE_CHECKING:
    from evaluation.lab_result import LabResult

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class WithExamples:
    """Answers with a fixed number of worked examples, none of them of the held-out records."""

    service: DomainService
    count: int
    held_out: frozenset[str] = frozenset()

    async def answer(self, question: Question) -> Answer:
        """Answer `question` with this number of examples."""
        shown = {"icl_examples": self.count, "icl_without": tuple(sorted(self.held_out))}
        return await self.service.answer(question.model_copy(update=shown))


async def run(
    settings: Settings,
    workspace: Workspace,
    pack: DomainPack,
    arms: Sequence[str],
    out: Path,
    *,
    limit: int | None,
    controls: Sequence[str] = (),
    curve: Mapping[str, float] | None = None,
    say: Callable[[str], None],
    progress: Progress,
    trusted: bool,
) -> "LabResult":
    """Run the lab through the serving process, or through one started for it. Raises GraftError."""
    from evaluation.frozen import verify_test_set
    from evaluation.lab import run_lab

    chosen = [parse_lab_arm(name) for name in arms]
    store = AdapterStore(pack.name, workspace.adapters(pack.name))
    folder = workspace.lab(pack.name)
    if pack.is_prepared:
        verify_test_set(pack, folder)  # before a model is started for nothing
    with connected(settings, workspace, pack, say, model=True, trusted=trusted) as service:
        fingerprint = _fingerprint(settings, workspace, pack)
        count = settings.generate.icl_examples
        if any(arm.icl for arm in chosen) and pack.train_examples:
            count = await _icl_count(service, settings, pack, folder, fingerprint, progress)
        return await run_lab(
            WithExamples(service, count),
            pack,
            [arm.name for arm in chosen],
            settings.lab,
            out,
            fingerprint=fingerprint,
            cache_dir=folder,
            limit=limit,
            icl_count=count,
            adapter=service.status().adapter,
            adapters={arm.name: name for arm in chosen if (name := find_adapter(store, arm)) is not None},
            training_seconds={m.name: m.metrics["seconds"] for m in store.list() if "seconds" in m.metrics},
            prices=settings.prices,
            search=service.search,
            controls=controls,
            curve=curve,
            on_progress=progress,
        )


def find_adapter(store: AdapterStore, arm: Arm) -> str | None:
    """The adapter that an arm names by hash, or the newest one trained by the method it names; None: no such name."""
    if not arm.weights:
        return None
    fitting = (m.name for m in store.list() if arm.weights in (m.method, m.name.partition("@")[2]))
    return next(fitting, None)


async def _icl_count(
    service: DomainService, settings: Settings, pack: DomainPack, folder: Path, fingerprint: str, progress: Progress
) -> int:
    """The number of worked examples, tuned on training examples once per state of model, index and examples."""
    from evaluation.tune_icl import tune_icl

    known = folder / "icl.json"
    key = sha256_json([fingerprint, [example.id for example in pack.train_examples]])
    if known.exists() and (found := read_json(known)).get("key") == key:
        return int(found["count"])
    count = await tune_icl(
        lambda count, held_out: WithExamples(service, count, held_out),
        pack,
        settings.lab,
        fingerprint=fingerprint,
        cache_dir=folder,
        on_progress=progress,
    )
    write_json(known, {"key": key, "count": count})
    return count


def _fingerprint(settings: Settings, workspace: Workspace, pack: DomainPack) -> str:
    """Hash of what determines answers besides question and arm: model, prompt, index, retrieval, generation."""
    models = prepare_models(settings.models, workspace, lambda text: None, weights=settings.serve.vllm_url is None)
    return sha256_json(
        {
            "model": models.llm_name,
            "prompt": build.prompt_fingerprint(models.llm),
            "index": index_fingerprint(workspace.corpus(pack.name)),
            "retrieve": settings.retrieve.model_dump(),
            "generate": settings.generate.model_dump(exclude={"timeout_seconds", "icl_examples"}),
        }
    )
