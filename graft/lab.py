"""Wires the lab: a domain's service answers, the evaluation asks, counts and reports. Prints nothing."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.arms import BY_METHOD, Arm, parse_lab_arm
from core.chat import Question
from core.errors import ModelError
from core.files import read_json, sha256_json, write_json
from core.pack import DomainPack
from core.service import DomainService
from core.settings import Settings
from core.types import Answer
from core.workspace import Workspace
from finetune.adapters import AdapterManifest, AdapterStore
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
    optional: Sequence[str] = (),
    controls: Sequence[str] = (),
    curve: Mapping[str, float] | None = None,
    say: Callable[[str], None],
    progress: Progress,
    trusted: bool,
) -> "LabResult":
    """Run the lab through the serving process, or through one started for it. Raises GraftError.

    A whole model (dora, full) gets a vLLM of its own for its arm. Where memory will not do, an arm of `optional` is
    left out, and any other refused.
    """
    from evaluation.frozen import verify_test_set
    from evaluation.lab import run_lab

    store = AdapterStore(pack.name, workspace.adapters(pack.name))
    folder = workspace.lab(pack.name)
    if pack.is_prepared:
        verify_test_set(pack, folder)  # before a model is started for nothing
    with connected(settings, workspace, pack, say, model=True, trusted=trusted) as service:
        # Of what answers: a running process may have been started with other settings than this command.
        fingerprint = await service.fingerprint()
        fits = _fits(settings, workspace, store)
        chosen = [parse_lab_arm(name) for name in arms]
        adapters = {arm.name: name for arm in chosen if (name := find_adapter(store, arm, fits)) is not None}
        active, seen = service.status().adapter, {m.name: share_seen(m) for m in store.list()}
        crowded = _too_large(store, adapters, settings, optional, say)  # before anything is asked
        chosen = [arm for arm in chosen if arm.name not in crowded]
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
            adapter=active,
            adapters=adapters,
            training_seconds={m.name: m.metrics["seconds"] for m in store.list() if "seconds" in m.metrics},
            prices=settings.prices,
            search=service.search,
            serving=lambda name: _lent(service, store, name),
            controls=controls,
            curve=curve,
            shares={arm.name: seen.get(adapters.get(arm.name, active or ""), 1.0) for arm in chosen if arm.adapter},
            on_progress=progress,
        )


def find_adapter(
    store: AdapterStore, arm: Arm, fits: Callable[[AdapterManifest], bool] = lambda manifest: True
) -> str | None:
    """The adapter that an arm names by hash, or the newest one trained as it names that `fits`; None: no such one.

    One of a learning curve, which saw a share of the data only, has to be named by its hash.
    """
    if not arm.weights:
        return None
    for manifest in store.list():
        if arm.weights == manifest.name.partition("@")[2]:
            return manifest.name
        taught = bool(manifest.options.get("teacher"))
        trained = "distilled" if taught else manifest.method
        if arm.weights == trained and share_seen(manifest) == 1.0 and fits(manifest):
            return manifest.name
    return None


def share_seen(manifest: AdapterManifest) -> float:
    """The share of the training records that an adapter was trained on: below 1 for those of a learning curve."""
    return float(manifest.options.get("share", 1.0))


def existing_arms(settings: Settings, workspace: Workspace, pack: DomainPack) -> list[str]:
    """The arms by training method (qlora, dora, full, distilled) of which there is an adapter or model that fits."""
    store = AdapterStore(pack.name, workspace.adapters(pack.name))
    if not any(manifest.method != "lora" or manifest.options.get("teacher") for manifest in store.list()):
        return []
    fits = _fits(settings, workspace, store)
    return [arm.name for arm in BY_METHOD.values() if find_adapter(store, arm, fits) is not None]


def _too_large(
    store: AdapterStore,
    adapters: Mapping[str, str],
    settings: Settings,
    optional: Sequence[str],
    say: Callable[[str], None],
) -> set[str]:
    """Arms of `optional` whose whole model does not fit into memory. Raises ModelError where another arm's does not."""
    found = set()
    for arm, name in adapters.items():
        try:
            _check_room(store, name, settings)
        except ModelError as error:
            if arm not in optional:
                raise
            say(f"arm {arm} is left out: {error}")
            found.add(arm)
    return found


def _fits(settings: Settings, workspace: Workspace, store: AdapterStore) -> Callable[[AdapterManifest], bool]:
    """Whether an adapter fits base and prompts as they are now."""
    models = prepare_models(settings.models, workspace, lambda text: None, weights=settings.serve.vllm_url is None)
    prompts = build.prompt_fingerprint(models.llm)
    return lambda manifest: store.fits(manifest.name, base_name=models.llm_name, prompt_hash=prompts)


def _check_room(store: AdapterStore, name: str, settings: Settings) -> None:
    """Raise ModelError where a whole model would not fit beside what runs."""
    from graft.vllm_memory import check_room
    from serve.vllm_metadata import is_cpu_build

    if store.manifest(name).merged and name != store.active():  # the active one may run already
        check_room(name, store.path(name), settings.serve, cpu=is_cpu_build())


def _lent(service: DomainService, store: AdapterStore, name: str) -> AbstractAsyncContextManager[None]:
    return service.lend(name) if store.manifest(name).merged else nullcontext()


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
