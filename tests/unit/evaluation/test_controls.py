"""Controls: passages tampered with as meant, and arms that read them told from arms that do not."""

import pytest

from core.errors import LabError
from core.types import STRUCTURED, Answer, Evidence, Example, Passage
from evaluation.controls import said_value, tamper

from .conftest import PLANTS, Gardener, passage, run, truth

MONTHS = {"quince": "February", "sage": "April", "heather": "March"}


def example(plant: str, **changes) -> Example:
    fields = {"id": plant, "question": f"When is {plant} pruned?", "answer": {"plant": plant, "month": MONTHS[plant]},
              "format": "json", "schema": "care",
              "evidence": (Evidence(source=f"{plant}.md", quote=f"Prune {plant} in {MONTHS[plant]}"),)}  # fmt: skip
    return Example(**fields | changes)


def passages(*plants: str) -> list[Passage]:
    return [
        Passage(number=n, source=f"{p}.md", locator="", text=f"Prune {p} in {MONTHS[p]}, not later.")
        for n, p in enumerate(plants, start=1)
    ]


def answer(*plants: str, said=None) -> Answer:
    return Answer(text="", format="json", answer=said, passages=passages(*plants))


def test_distractors_take_the_place_of_the_right_passage_alone():
    examples = [example("quince"), example("heather")]
    (first, second) = tamper("distractor", examples, [answer("quince", "sage"), answer("heather")], 1)
    assert first.place == 0
    assert [(p.number, p.source) for p in first.passages] == [(1, "heather.md"), (2, "sage.md")]
    assert [p.source for p in second.passages] in (["quince.md"], ["sage.md"])


def test_shuffled_passages_are_the_same_in_another_order_and_numbered_anew():
    plants = ("quince", "sage", "heather")
    (task,) = tamper("shuffled", [example("quince")], [answer(*plants)], 1)
    assert sorted(p.text for p in task.passages) == sorted(p.text for p in passages(*plants))
    assert [p.number for p in task.passages] == [1, 2, 3]
    assert [p.source for p in task.passages] != [f"{plant}.md" for plant in plants]
    assert tamper("shuffled", [example("quince")], [answer("quince")], 1) == []


def test_an_invented_value_stands_where_the_right_one_stood():
    (task,) = tamper("invented", [example("quince"), example("sage")], [answer("quince"), None], 1)
    assert (task.path, task.right, task.invented) == ("month", "February", "April")
    assert [p.text for p in task.passages] == ["Prune quince in April, not later."]


def test_numbers_in_prose_are_falsified():
    prose = example("quince", answer="Take 150 grams.", format="text", schema=None,
                    evidence=(Evidence(source="a.md", quote="150 grams"),))  # fmt: skip
    there = [Passage(number=1, source="a.md", locator="", text="Take 150 grams, or 1500.")]
    (task,) = tamper("invented", [prose], [Answer(text="", format="text", passages=there)], 1)
    assert task.right == "150"
    assert task.passages[0].text == f"Take {task.invented} grams, or 1500."
    assert said_value(task, prose, Answer(text=f"{task.invented} grams", format="text")) == "invented"
    assert said_value(task, prose, Answer(text="150 grams", format="text")) == "right"
    assert said_value(task, prose, Answer(text="a few", format="text")) == "other"


def test_questions_without_their_evidence_are_not_asked():
    cases = [
        (example("quince"), answer("sage")),
        (example("quince"), None),
        (example("quince", evidence=()), answer("quince")),
        (example("quince", answerable=False), answer("quince")),
    ]
    for kind in ("distractor", "shuffled", "invented"):
        assert tamper(kind, [e for e, _ in cases], [a for _, a in cases], 1) == []


def test_the_same_seed_tampers_alike():
    examples, answers = [example("quince"), example("sage")], [answer("quince", "heather"), answer("sage", "heather")]
    assert tamper("distractor", examples, answers, 3) == tamper("distractor", examples, answers, 3)


class ByHeart(Gardener):
    """Finds the passage on the plant and the one on the next plant, and answers without reading them."""

    def there(self, question):
        if question.given is not None:
            return list(question.given)
        plants = [*PLANTS, *PLANTS]
        at = next((n for n, plant in enumerate(plants) if plant in question.text), 0)
        return [passage(plant, n) for n, plant in enumerate(plants[at : at + 2], start=1)]

    async def answer(self, question):
        found = await super().answer(question)
        return found.model_copy(update={"passages": self.there(question)})


class Reader(ByHeart):
    """Answers from the passages it is given, and knows nothing else."""

    async def answer(self, question):
        found = await super().answer(question)
        plant = next((plant for plant in PLANTS if plant in question.text), "none")
        text = next((p.text for p in found.passages if f"Prune {plant} in" in p.text), None)
        if text is None:
            return found.model_copy(update={"answer": None, "refused": True})
        month = text.split(" in ")[1].split(",")[0]
        structured = question.format in STRUCTURED
        said = {"plant": plant, "month": month} if structured else f"Prune {plant} in {month} [sic]."
        return found.model_copy(update={"answer": said, "text": str(said), "refused": False})


def test_an_arm_that_reads_loses_the_right_passage_and_follows_the_invented_one(pack, tmp_path):
    result = run(pack, tmp_path, Reader(truth), ["rag"], controls=["rag"])
    told = result.document["controls"]["rag"]
    assert told["distractor"]["plain"]["mean"] == 1.0
    assert told["distractor"]["figure"]["mean"] == 0.0
    assert told["shuffled"]["difference"]["mean"] == 0.0
    assert told["invented"]["invented"] == {"mean": 1.0, "ci95": [1.0, 1.0], "n": told["invented"]["n"]}
    assert "Without the right passage rag loses: −100.0 points" in result.table
    assert "Is the context used" in (tmp_path / "out" / "report.html").read_text()


def test_an_arm_that_knows_by_heart_does_not(pack, tmp_path):
    told = run(pack, tmp_path, ByHeart(truth), ["rag"], controls=["rag"]).document["controls"]["rag"]
    assert told["distractor"]["difference"]["mean"] == 0.0
    assert told["invented"]["right"]["mean"] == 1.0


def test_controls_are_cached_and_only_for_arms_with_passages(pack, tmp_path):
    run(pack, tmp_path, ByHeart(truth), ["rag"], controls=["rag"])
    again = ByHeart(truth)
    run(pack, tmp_path, again, ["rag"], controls=["rag"])
    assert again.asked == []
    with pytest.raises(LabError, match="no controls of base: of the arms asked, rag have passages"):
        run(pack, tmp_path, again, ["rag", "base"], controls=["base"])
