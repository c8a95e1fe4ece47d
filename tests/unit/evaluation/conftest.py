"""A small pack with a test set, and an answerer whose answers a test decides. No model, no network."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from core.answer_text import serialise
from core.chat import Question
from core.pack import DomainPack, load_pack
from core.settings import LabSettings
from core.types import STRUCTURED, Answer, Citation, Passage, Usage
from evaluation.lab import run_lab
from evaluation.lab_result import LabResult

SCHEMA = {
    "type": "object",
    "properties": {"plant": {"type": "string"}, "month": {"type": "string"}},
    "required": ["plant", "month"],
    "additionalProperties": False,
}
SETTINGS = LabSettings(bootstrap=200, concurrency=2)
ADAPTER = "garden@0123abcd"
PLANTS = {"quince": "February", "sage": "April", "heather": "March", "camellia": "May"}


def _row(plant: str, month: str, format: str, *, number: int, record: str | None = None) -> dict:
    answer = {"plant": plant, "month": month} if format in STRUCTURED else f"Prune {plant} in {month} [sic]."
    return {
        "id": f"{record or plant}-{number}",
        "question": f"When is {plant} pruned? ({format} {number})",
        "answer": answer,
        "format": format,
        "schema": "care" if format in STRUCTURED else None,
        "evidence": [{"source": f"{plant}.md", "quote": f"Prune {plant} in {month}"}],
        "tags": [f"record:{record or plant}", "naming:named"],
    }


def _unanswerable(name: str, format: str) -> dict:
    return {
        "id": f"none-{name}",
        "question": f"When is {name} pruned? ({format})",
        "answer": None,
        "format": format,
        "schema": "care" if format in STRUCTURED else None,
        "answerable": False,
        "tags": [f"record:none-{name}", "naming:described"],
    }


@pytest.fixture
def pack(tmp_path: Path) -> DomainPack:
    root = tmp_path / "pack"
    (root / "corpus").mkdir(parents=True)
    (root / "schemas").mkdir()
    (root / "examples").mkdir()
    (root / "schemas" / "care.json").write_text(json.dumps(SCHEMA))
    (root / "domain.yaml").write_text(
        "name: garden\ntitle: Garden <b>centre</b>\npersona: Adviser.\ncorpus: [corpus/]\nrefusal: Not found.\n"
    )
    test = [
        _row("quince", "February", "json", number=0),
        _row("quince", "February", "text", number=1),
        _row("sage", "April", "yaml", number=0),
        _row("heather", "March", "json", number=0),
        _row("camellia", "May", "text", number=0),
        _unanswerable("cocoa", "json"),
        _unanswerable("mango", "text"),
    ]
    train = [_row(f"plant{n}", "June", "json", number=0) for n in range(8)]
    for name, rows in (("test", test), ("train", train)):
        (root / "examples" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_pack(str(root), tmp_path / "none", tmp_path / "none")


def passage(plant: str, number: int = 1) -> Passage:
    text = f"Prune {plant} in {PLANTS.get(plant, 'June')}, before it grows."
    return Passage(number=number, source=f"{plant}.md", locator=plant.capitalize(), text=text)


class Gardener:
    """Answers as `knows(question)` says: a dict or text to give, None to refuse, an exception to raise."""

    def __init__(self, knows: Callable[[Question], object]) -> None:
        self.knows, self.asked = knows, []

    async def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        said = self.knows(question)
        if isinstance(said, Exception):
            raise said
        passages = [passage(plant, n) for n, plant in enumerate(PLANTS, start=1)] if question.arm.retrieval else []
        plant = next((p for p in passages if p.source.removesuffix(".md") in question.text), None)
        cited = [Citation(number=plant.number, source=plant.source, locator="", quote=plant.text)] if plant else []
        text = serialise(said, question.format) if question.format in STRUCTURED else str(said or "Not found.")
        return Answer(
            text=text,
            answer=said,
            format=question.format,
            refused=said is None,
            valid=said is None or question.format not in STRUCTURED or isinstance(said, dict),
            citations=cited if said is not None else [],
            passages=passages,
            arm=question.arm.name,
            model=question.adapter or "base-model",
            usage=Usage(prompt_tokens=100, completion_tokens=10),
            seconds=0.5,
            seconds_to_first_token=0.2,
            finish_reason="stop",
        )


def truth(question: Question) -> object:
    """The right answer to any question of the pack."""
    plant = next((plant for plant in (*PLANTS, *(f"plant{n}" for n in range(8))) if plant in question.text), None)
    if plant is None:
        return None
    month = PLANTS.get(plant, "June")
    return {"plant": plant, "month": month} if question.format in STRUCTURED else f"Prune {plant} in {month} [sic]. [1]"


def run(
    pack: DomainPack,
    tmp_path: Path,
    answerer: Gardener,
    arms: Sequence[str] = ("base", "rag", "lora", "hybrid"),
    out: str = "out",
    **options,
) -> LabResult:
    """A lab run without waits between tries."""
    options = {"fingerprint": "f", "cache_dir": tmp_path / "lab", "adapter": ADAPTER, "retry_waits": ()} | options
    settings = options.pop("settings", SETTINGS)
    return asyncio.run(run_lab(answerer, pack, list(arms), settings, tmp_path / out, **options))


def half_taught(question: Question) -> object:
    """Adapter arms know everything, rag knows json, the base model heather alone; only adapters refuse."""
    knows_it = question.format == "json" and "heather" in question.text
    if knows_it or question.arm.adapter or (question.arm.retrieval and question.format == "json"):
        return truth(question)
    return {"plant": "fern", "month": "May"} if question.format in STRUCTURED else "Whenever you like."
