"""The gate before an adapter answers: what PEFT and the served vLLM make of the same answers has to agree.

Wires finetune's readings and serve's; the report stays beside the adapters, one per adapter. Prints nothing.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.answer_text import write_answer
from core.errors import AdapterError
from core.files import read_json, write_json
from core.pack import DomainPack
from core.prompt import Message, PromptRequest, render
from core.types import Passage
from finetune.adapters import AdapterManifest, AdapterStore
from finetune.parity import Parity, Probe, Reading, compare
from finetune.peft_scores import is_adapter, peft_scores

if TYPE_CHECKING:
    from graft.service import LocalService
    from serve.vllm_api import VllmApi

PROBES = 6
_FOLDER = "parity"
# Probes come from the shorter rows: reading them is all that the gate costs.
_SHORTER = 0.4


def report_path(store: AdapterStore, name: str) -> Path:
    """Where the report about an adapter stands."""
    return store.folder / _FOLDER / f"{store.path(name).name}.json"


def read_report(store: AdapterStore, name: str) -> Parity | None:
    """The last report about an adapter, or None."""
    path = report_path(store, name)
    return Parity.model_validate(read_json(path, AdapterError)) if path.exists() else None


def check_parity(
    store: AdapterStore,
    manifest: AdapterManifest,
    vllm: "VllmApi",
    base: Path,
    conversations: Sequence[list[Message]],
    *,
    base_vllm: "VllmApi | None" = None,
    trained: Path | None = None,
    engine: str = "",
    longest: int = 2048,
) -> Parity:
    """Read the conversations, each ending with its reference answer, in PEFT and in `vllm`, which serves the adapter.

    Those of more than `longest` tokens are left out. `base_vllm` serves the base, which is then read as well;
    `trained` is what PEFT reads where that is not the published folder. The report is written beside the adapters,
    whatever it says. Raises AdapterError, ServeError.
    """
    from serve.scoring import chat_tokens, engine_of, score_tokens

    began = time.monotonic()
    probes = make_probes(base, conversations, longest)
    prompts = [probe.tokens for probe in probes]
    trained = trained or store.path(manifest.name)

    def read(server: "VllmApi", name: str) -> list[Reading]:
        found = zip(probes, score_tokens(server, name, prompts), strict=True)
        return [_reading(probe, *scores) for probe, scores in found]

    served = read(vllm, manifest.name)
    served_base = None if base_vllm is None else read(base_vllm, manifest.base_name)
    same = all(chat_tokens(vllm, manifest.name, probe.messages[:-1]) == probe.tokens[: probe.first] for probe in probes)
    with tempfile.TemporaryDirectory(prefix="graft-parity-") as folder:
        scores = peft_scores(base, trained, probes, Path(folder))
    found = compare(
        manifest.name, manifest.base_name, engine_of(vllm), probes, scores.trained, served, scores.base, served_base,
        same_tokens=same, read_by="PEFT" if is_adapter(trained) else "transformers",
    ).model_copy(
        update={
            "seconds": round(time.monotonic() - began, 1),
            "engine": engine,
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
    )  # fmt: skip
    write_json(report_path(store, manifest.name), found.model_dump())
    return found


def pass_gate(
    service: "LocalService", manifest: AdapterManifest, *, unchecked: bool, say: Callable[[str], None]
) -> Parity | None:
    """Let an adapter through that agrees in PEFT and vLLM; a report by the same engine is not made twice.

    Without a vLLM one is started, and stopped again; a whole model, which has to be on loan, gets one of its own.
    `unchecked` lets everything through, and notes it where a report says otherwise. Raises AdapterError with the
    report's reasons; the adapter is then not loaded any more.
    """
    from serve.vllm_metadata import vllm_version

    known = read_report(service.store, manifest.name)
    if unchecked:
        if known is not None and not known.passed and not known.overridden:
            known = known.model_copy(update={"overridden": True})
            write_json(report_path(service.store, manifest.name), known.model_dump())
        return known
    engine = _engine(service, vllm_version(), whole=manifest.merged)
    if known is not None and known.passed and known.engine == engine:
        return known
    with _serving(service, manifest, say) as vllm:
        say(f"parity: {manifest.name} in PEFT and in {vllm.where}, the same answers")
        rows = service.workspace.dataset(service.pack.name) / "rows.jsonl"
        run = service.workspace.runs(service.pack.name) / (manifest.run or "none")
        found = check_parity(
            service.store,
            manifest,
            vllm,
            service.base_folder,
            reference_conversations(service.pack, rows),
            base_vllm=service.vllm,
            trained=_before_merging(manifest, run),
            engine=engine,
            longest=service.settings.serve.max_model_len - 1,  # one more token is asked for
        )
        if run.is_dir():
            write_json(run / "parity.json", found.model_dump())
        if not found.passed:
            if not manifest.merged:
                service.forget_adapter(manifest.name)
            raise AdapterError(
                f"adapter {manifest.name} answers otherwise in vLLM than in {found.read_by}: "
                f"{'; '.join(found.reasons)}. "
                f"graft adapters show {manifest.name} has the report; --unchecked activates it all the same"
            )
    return found


def _engine(service: "LocalService", version: str | None, *, whole: bool) -> str:
    """What a report is about: another server or version is another question."""
    url = None if whole else service.settings.serve.vllm_url
    return url or f"vllm {version}"


def _before_merging(manifest: AdapterManifest, run: Path) -> Path | None:
    """What a whole model was merged from, as far as its run still has it: the comparison then covers the merging."""
    from finetune.run import ADAPTER_FOLDER

    adapter = run / ADAPTER_FOLDER
    return adapter if manifest.merged and is_adapter(adapter) else None


@contextmanager
def _serving(service: "LocalService", manifest: AdapterManifest, say: Callable[[str], None]) -> "Iterator[VllmApi]":
    """The vLLM that serves an adapter or, where it is on loan, a whole model; what was started for it is stopped."""
    if manifest.merged:
        yield service.whole_models.open(manifest.name, say)
        return
    running = service.vllm is not None
    if not running:
        service.start_model(say)
    assert service.vllm is not None
    try:
        service.serve_adapter(manifest.name)
        yield service.vllm
    finally:
        if not running:
            service.close()


def make_probes(base: Path, conversations: Sequence[list[Message]], longest: int = 2048) -> list[Probe]:
    """Conversations as tokens, prompt and answer, by the base's chat template: as training rows are.

    Those of more than `longest` tokens are left out. Raises AdapterError where none is left.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)

    def tokens(messages: Sequence[Message], *, ask: bool) -> list[int]:
        text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=ask)
        return list(tokenizer.encode(str(text), add_special_tokens=False))

    probes = []
    for messages in conversations:
        prompt, whole = tokens(messages[:-1], ask=True), tokens(messages, ask=False)
        if whole[: len(prompt)] == prompt and len(prompt) < len(whole) <= longest:
            probes.append(Probe(tokens=whole, first=len(prompt), messages=messages))
    if not probes:
        raise AdapterError(
            f"no conversation of at most {longest} tokens continues its prompt under the chat template of {base}: "
            "raise serve.max_model_len, or choose another base model"
        )
    return probes


def reference_conversations(pack: DomainPack, rows: Path, seed: int = 7) -> list[list[Message]]:
    """Prompts with reference answers: training rows, or else examples over their evidence, or else refusals."""
    draw = random.Random(f"{seed}:parity")
    if rows.exists():
        found = _rows(rows)
        found = sorted(found, key=lambda row: row.get("tokens", 0))[: max(PROBES, int(_SHORTER * len(found)))]
        picked = draw.sample(found, min(PROBES, len(found)))
        if picked:
            return [[*row["prompt"], *row["completion"]] for row in picked]
    examples = [e for e in pack.train_examples if e.answerable]
    if examples:
        return [_asked(pack, e) for e in draw.sample(examples, min(PROBES, len(examples)))]
    questions = pack.file.sample_questions or ("What is this about?", "Who are you?", "What does it cost?")
    refusal = {"role": "assistant", "content": pack.refusal}
    return [[*_prompt(pack, question), refusal] for question in questions[:PROBES]]


def _asked(pack: DomainPack, example: Any) -> list[Message]:
    """An example over its own evidence."""
    shown = tuple(
        Passage(number=n, source=e.source, locator="", text=e.quote) for n, e in enumerate(example.evidence, start=1)
    )
    request = PromptRequest(
        persona=pack.persona,
        refusal=pack.refusal,
        question=example.question,
        format=example.format,
        json_schema=pack.schema_for(example.format, example.schema_name),
        passages=shown or None,
    )
    text = write_answer(example.answer, example.format, [p.number for p in shown], pack.refusal)
    return [*render(request), {"role": "assistant", "content": text}]


def _prompt(pack: DomainPack, question: str) -> list[Message]:
    return render(PromptRequest(persona=pack.persona, refusal=pack.refusal, question=question))


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _reading(probe: Probe, logprobs: Sequence[float | None], likeliest: Sequence[int | None]) -> Reading:
    """The answer's part of what the server said about a probe."""
    answer = slice(probe.first, None)
    return Reading(
        logprobs=[float("-inf") if value is None else value for value in logprobs[answer]],
        likeliest=[-1 if token is None else token for token in likeliest[answer]],
    )
