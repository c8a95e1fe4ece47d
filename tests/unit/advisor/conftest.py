"""A lab's document in the few figures that the advisor reads, and what is known of a domain."""

from itertools import combinations

from advisor.facts import Known
from advisor.lab_file import Lab


def figure(mean: float, half: float = 0.05, n: int = 100) -> dict:
    return {"mean": mean, "ci95": [round(mean - half, 4), round(mean + half, 4)], "n": n}


def arm(mean: float | None, *, trained: bool = False, retrieval: bool = False, **figures) -> dict:
    """One arm; `figures` are further measures by name, or whole entries."""
    whole = {name: figure(value) if isinstance(value, float) else value for name, value in figures.items()}
    return {
        "n": 100,
        "trained": trained,
        "field_em": None if mean is None else figure(mean),
        "evidence_recall": figure(0.9) if retrieval else None,
        "tokens": {"prompt": figure(500, 5), "completion": figure(30, 2)},
        "seconds": {"mean": 2.0, "ci95": [1.8, 2.2], "n": 100, "median": 1.9},
        "errors": {},
        "by": {},
        **whole,
    }


def document(arms: dict[str, dict], *, half: float = 0.08, **more) -> dict:
    """A lab.json over `arms`, each difference with an interval of `half` to each side."""
    differences = [
        {
            "arm": right,
            "against": left,
            "measure": "field_em",
            **figure(arms[right]["field_em"]["mean"] - arms[left]["field_em"]["mean"], half),
        }
        for left, right in combinations(arms, 2)
        if arms[left]["field_em"] and arms[right]["field_em"]
    ]
    return {
        "schema_version": 2,
        "domain": "garden",
        "created": "2026-11-24T12:00:00Z",
        "questions": 100,
        "test_set": 100,
        "primary": "field_em",
        "arms": arms,
        "differences": differences,
        **more,
    }


def lab(arms: dict[str, dict], **options) -> Lab:
    return Lab(document(arms, **options))


KNOWN = Known(
    domain="garden",
    title="Garden centre",
    formats=4,
    schemas=1,
    train_examples=600,
    train_records=300,
    test_examples=100,
    test_structured=50,
    test_answerable=90,
    test_with_evidence=90,
    test_file="garden/examples/test.jsonl",
    check_errors=0,
    documents=12,
    chunks=400,
    churn=0,
    adapters=1,
    training_minutes=9.0,
    gpus=0,
    memory_gib=20.0,
)
