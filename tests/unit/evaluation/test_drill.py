"""The update drill: facts that can be changed are found, and arms that follow are told from arms that do not."""

import asyncio

import pytest

from core.arms import parse_arm
from core.errors import LabError, ServeError
from core.types import Evidence, Example, Passage
from evaluation.drill import drill, drill_lines, find_facts

from .conftest import PLANTS, Gardener, truth

DOCUMENTS = {f"{plant}.md": f"# {plant}\n\nPrune {plant} in {month}.\n" for plant, month in PLANTS.items()}


def example(plant: str, source: str | None = None, **changes) -> Example:
    evidence = Evidence(source=source or f"{plant}.md", quote=f"Prune {plant} in {PLANTS[plant]}")
    fields = {"id": plant, "question": f"When is {plant} pruned?", "format": "json", "schema": "care",
              "answer": {"plant": plant, "month": PLANTS[plant]}, "evidence": (evidence,)}  # fmt: skip
    return Example(**fields | changes)


EXAMPLES = [example(plant) for plant in PLANTS]


class Shop(Gardener):
    """Reads the documents as they are now where the arm retrieves, and knows the old ones by heart where not."""

    def __init__(self, documents, knows=truth):
        super().__init__(knows)
        self.documents = documents

    async def answer(self, question):
        answer = await super().answer(question)
        if not question.arm.retrieval:
            return answer
        plant = next(plant for plant in PLANTS if plant in question.text)
        text = self.documents[f"{plant}.md"]
        month = text.split(" in ")[1].split(".")[0]
        passage = Passage(number=1, source=f"{plant}.md", locator="", text=text)
        return answer.model_copy(update={"answer": {"plant": plant, "month": month}, "passages": [passage]})


def run_drill(answerer, documents, arms=("rag", "lora")):
    facts = find_facts(EXAMPLES, documents.get, 3)

    async def change():
        for fact in facts:
            documents[fact.source] = fact.write_into(documents[fact.source])
        return 4.0

    chosen = [parse_arm(name) for name in arms]
    return asyncio.run(drill(answerer, facts, chosen, lambda arm: "garden@1", change, max_tokens=None))


def test_arms_that_retrieve_follow_and_the_adapter_alone_does_not():
    documents = dict(DOCUMENTS)
    result = run_drill(Shop(documents), documents)
    assert result["followed"] == ["rag"]
    assert result["arms"]["rag"]["before"] == {"new": 0, "old": 3, "other": 0}
    assert result["arms"]["rag"]["after"] == {"new": 3, "old": 0, "other": 0}
    assert result["arms"]["rag"]["seconds"] >= 4.0
    assert result["arms"]["lora"] == {
        "before": {"new": 0, "old": 3, "other": 0}, "after": {"new": 0, "old": 3, "other": 0}, "seconds": None,
    }  # fmt: skip
    assert result["changed"][0] == {
        "source": "quince.md", "question": "When is quince pruned?", "old": "February", "new": "April"}  # fmt: skip
    result["arms"]["lora"]["training_seconds"] = 540.0
    lines = drill_lines(result)
    assert lines[0] == "3 facts changed; found again after 4.0 s"
    assert lines[1].startswith("  rag: new 3, old 0, other 0 (before: old 3); after 4.")
    assert "the last one took 9 minutes" in lines[2]


def test_a_question_that_fails_is_another_answer():
    documents = dict(DOCUMENTS)
    result = run_drill(Gardener(lambda question: ServeError("down")), documents, ["rag"])
    assert result["arms"]["rag"]["after"]["other"] == 3
    assert result["followed"] == []


def test_only_what_is_written_once_changes():
    (fact,) = find_facts(EXAMPLES[:1] + EXAMPLES[3:], DOCUMENTS.get, 1)
    assert fact.write_into(DOCUMENTS["quince.md"]) == "# quince\n\nPrune quince in May.\n"


@pytest.mark.parametrize(
    ("examples", "documents"),
    [
        ([example("quince", "quince.pdf")], {"quince.pdf": DOCUMENTS["quince.md"]}),
        ([example("quince")], {}),
        ([example("quince")], {"quince.md": DOCUMENTS["quince.md"] * 2}),
        ([example("quince", question="Is quince pruned in February?"), example("sage")], DOCUMENTS),
        ([example("quince", answerable=False)], DOCUMENTS),
    ],
)
def test_what_cannot_be_changed_by_writing_a_file_is_no_fact(examples, documents):
    with pytest.raises(LabError, match="no fact that a drill could change"):
        find_facts(examples[:1], documents.get, 3)


def test_one_fact_of_a_record_and_no_more_than_asked():
    twice = [*EXAMPLES, *(e.model_copy(update={"id": f"{e.id}-2", "tags": (f"record:{e.id}",)}) for e in EXAMPLES)]
    assert [fact.source for fact in find_facts(twice, DOCUMENTS.get, 9)] == list(DOCUMENTS)
    assert len(find_facts(twice, DOCUMENTS.get, 2)) == 2
