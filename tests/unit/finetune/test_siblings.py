"""Siblings: what the same passages answer, what they do not, and that everybody gets a turn."""

import random

from core.types import Example, Passage
from finetune.siblings import Siblings

PLANTS = ("quince", "rose", "fern", "iris")


def example(plant: str, number: int = 1, *, answerable: bool = True, format: str = "json") -> Example:
    return Example.model_validate(
        {
            "id": f"{plant}#{number}",
            "question": f"When do I prune a {plant}, {number}?",
            "answer": {"plant": plant} if format == "json" else plant,
            "format": format,
            "schema": "pruning" if format == "json" else None,
            "evidence": [{"source": "prune.md", "quote": f"Prune the {plant} in May."}] if answerable else [],
            "answerable": answerable,
            "tags": [f"record:{plant}"],
        }
    )


def passages(*plants: str) -> list[Passage]:
    text = "\n".join(f"Prune the {plant} in  May." for plant in plants)
    return [Passage(number=1, source="prune.md", locator="", text=text)]


def found(siblings: Siblings, lead: Example, shown: list[Passage], seed: int = 0, **options: bool) -> list[str]:
    options = {"any_schema": False, "refused": False, **options}
    return [e.id for e in siblings.of(lead, shown, random.Random(seed), **options)]


def test_what_the_passages_hold_and_nothing_of_another_format() -> None:
    examples = [example(plant) for plant in PLANTS] + [example("rose", 2, format="text")]
    siblings = Siblings(examples, most=3, refused_share=0)
    assert sorted(found(siblings, examples[0], passages("quince", "rose", "iris"))) == ["iris#1", "rose#1"]


def test_no_more_than_asked_for() -> None:
    examples = [example(plant) for plant in PLANTS]
    assert len(found(Siblings(examples, most=2, refused_share=0), examples[0], passages(*PLANTS))) == 2
    assert found(Siblings(examples, most=0, refused_share=1), examples[0], passages(*PLANTS)) == []


def test_one_that_is_not_answered_closes_the_list_unless_the_lead_is_refused_itself() -> None:
    examples = [example(plant) for plant in PLANTS]
    shown = passages("quince", "rose")
    held, missed = found(Siblings(examples, most=2, refused_share=1), examples[0], shown)
    assert held == "rose#1"
    assert missed in ("fern#1", "iris#1")
    assert found(Siblings(examples, most=2, refused_share=1), examples[0], shown, refused=True) == ["rose#1"]


def test_the_unanswerable_are_siblings_too() -> None:
    examples = [example("quince"), example("moonflower", answerable=False)]
    assert found(Siblings(examples, most=3, refused_share=1), examples[0], passages("quince")) == ["moonflower#1"]


def test_those_taken_least_come_first_and_the_same_record_last() -> None:
    examples = [example("quince"), example("quince", 2), example("rose"), example("iris")]
    siblings = Siblings(examples, most=2, refused_share=0)
    shown = passages("quince", "rose", "iris")
    assert sorted(found(siblings, examples[0], shown)) == ["iris#1", "rose#1"]
    assert "quince#2" in found(siblings, examples[0], shown)


def test_the_same_draw_gives_the_same_siblings() -> None:
    examples = [example(plant, number) for plant in PLANTS for number in (1, 2, 3)]
    first, second = (
        [
            found(Siblings(examples, most=3, refused_share=0.5), lead, passages("rose", "fern"), n)
            for n, lead in enumerate(examples)
        ]
        for _ in range(2)
    )
    assert first == second
