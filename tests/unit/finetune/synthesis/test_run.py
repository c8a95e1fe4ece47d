"""New and rewritten examples: what is kept, what is refused and why, and that a stopped run goes on."""

import json
import re
from typing import Any

import pytest

from core.errors import ServeError
from finetune.synthesis.candidate import ReviewFile
from finetune.synthesis.run import Options, restyle, synthesize
from tests.unit.finetune.conftest import example

PLANTS = ["quince", "rose", "fern", "maple", "heather", "thyme"]
TEXTS = {
    f"{plant}.md": [f"The {plant} wants {n} litres of water. Prune the {plant} in May."]
    for n, plant in enumerate(PLANTS)
}


def good(plant: str, litres: int, format: str) -> dict[str, Any]:
    answer = {"plant": plant, "month": "May"} if format == "json" else f"Water it with {litres} litres."
    return {
        "question": f"How do I look after the {plant} on my balcony?",
        "answer": answer,
        "quote": f"Prune the {plant} in May.",
    }


class Scripted:
    """A teacher that answers by the plant of the passage; `replies` replace the good answer."""

    def __init__(self, format: str = "text", **replies: Any) -> None:
        self.format, self.replies, self.asked = format, replies, []

    def __call__(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> str:
        found = re.search(r"The (\w+) wants (\d+)", messages[-1]["content"])
        plant, litres = (found[1], int(found[2])) if found else ("fern", 2)
        self.asked.append(plant)
        reply = self.replies.get(plant, good(plant, litres, self.format))
        reply = {**good(plant, litres, self.format), **reply} if isinstance(reply, dict) else reply
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, str) else json.dumps(reply)


def options(count: int = 10, tries: int = 100, formats: tuple = ("text",), **more: Any) -> Options:
    return Options(count, tries, formats, **{"concurrency": 1, **more})


def test_good_answers_wait_for_review_as_examples_with_evidence(make_pack, make_corpus):
    pack, review = make_pack([]), None
    review = ReviewFile(pack.data / "examples")
    report = synthesize(pack, make_corpus(TEXTS), Scripted(), review, options(), teacher="T")
    assert (report.kept, report.asked, report.refused, report.waiting) == (6, 6, {}, 6)
    found = review.read()
    assert {item.status for item in found} == {"pending"}
    one = next(item for item in found if "maple" in item.example.question)
    assert one.example.evidence[0].model_dump() == {"source": "maple.md", "quote": "Prune the maple in May."}
    assert one.example.answer == "Water it with 3 litres."
    assert "synthetic" in one.example.tags
    assert one.passage == TEXTS["maple.md"][0]
    assert one.teacher == "T"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("I would rather not.", "no JSON of the asked shape"),
        ('{"question": "Why is this cut', "no JSON of the asked shape"),
        ('{"question": 7, "answer": "x", "quote": "y"}', "no JSON of the asked shape"),
        ({"answer": ["a list"]}, "no JSON of the asked shape"),
        ({"answer": ""}, "nothing to ask here"),
        ({"answer": " \n"}, "nothing to ask here"),
        ({"question": "What does the \ud800 fern want?"}, "no JSON of the asked shape"),
        ('{"question": NaN, "answer": "x", "quote": "y"}', "no JSON of the asked shape"),
        ({"quote": ""}, "quote is too short to be found again"),
        ({"quote": "Prune the fern in June."}, "quote is not in the chunk"),
        ({"quote": "in May."}, "quote is too short to be found again"),
        ({"question": "Water?"}, "question is too short or too long"),
        ({"question": "What does the passage say about the fern?"}, "asks about the passage itself"),
        ({"answer": "Give it 40 litres."}, "answer says what the chunk does not"),
        ({"answer": "Use the FERN_MODE setting."}, "answer says what the chunk does not"),
        ({"answer": "Not in the leaflets."}, "answer is a refusal or holds marks"),
        ({"answer": "In May [1]."}, "answer is a refusal or holds marks"),
        ({"question": "When do I prune a rose?"}, "near-duplicate of another question"),
        ({"question": "When do I prune an iris?!"}, "asks about a test record"),
        ({"question": "Is the iris thirsty like this one?"}, "asks about a test record"),
    ],
)
def test_bad_answer_is_refused_for_its_reason_and_the_rest_goes_on(make_pack, make_corpus, reply, reason):
    tested = example("iris", question="When do I prune an iris?", evidence=[{"source": "fern.md", "quote": "No such."}])
    pack = make_pack([example("rose")], [tested])
    review = ReviewFile(pack.data / "examples")
    report = synthesize(pack, make_corpus(TEXTS), Scripted(fern=reply), review, options())
    assert report.refused == {reason: 1}
    assert report.kept == 5
    (refusal,) = review.refusals()
    assert refusal.reason == reason
    assert not any("fern" in item.example.evidence[0].source for item in review.read())


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"answer": {"plant": "fern"}}, "answer breaks its schema"),
        ({"answer": "May"}, "answer breaks its schema"),
        ({"answer": None}, "nothing to ask here"),
        ({"answer": {"plant": "fern", "month": "May 9"}}, "answer says what the chunk does not"),
        ({"answer": {"plant": "iris", "month": "June"}}, "asks about a test record"),
    ],
)
def test_structured_answers_must_hold_their_schema(make_pack, make_corpus, reply, reason):
    tested = example("iris", answer={"plant": "iris", "month": "June"}, tags=[])
    pack = make_pack([], [tested])
    review = ReviewFile(pack.data / "examples")
    teacher = Scripted("json", fern=reply)
    report = synthesize(pack, make_corpus(TEXTS), teacher, review, options(formats=("json",)))
    assert report.refused == {reason: 1}
    assert {item.example.schema_name for item in review.read()} == {"pruning"}


def test_quote_that_stands_twice_in_its_document_is_refused(make_pack, make_corpus):
    pack = make_pack([])
    twice = {"fern.md": [*TEXTS["fern.md"], "Remember: Prune the fern in May. Short."]}
    report = synthesize(pack, make_corpus(twice), Scripted(), ReviewFile(pack.data / "examples"), options(tries=1))
    assert report.kept == 0
    assert report.refused == {"quote stands more than once in its document": 1}


def test_chunk_that_the_test_set_asks_about_is_never_shown_to_the_teacher(make_pack, make_corpus):
    tested = example("fern", evidence=[{"source": "fern.md", "quote": "Prune the fern  in May."}], tags=[])
    pack = make_pack([], [tested])
    teacher = Scripted()
    synthesize(pack, make_corpus(TEXTS), teacher, ReviewFile(pack.data / "examples"), options())
    assert sorted(teacher.asked) == sorted(set(PLANTS) - {"fern"})


def test_same_question_twice_is_kept_once(make_pack, make_corpus):
    pack = make_pack([])
    same = {plant: {"question": "How much water does it want each week?"} for plant in PLANTS}
    report = synthesize(pack, make_corpus(TEXTS), Scripted(**same), ReviewFile(pack.data / "examples"), options())
    assert report.kept == 1
    assert report.refused == {"near-duplicate of another question": 5}


def test_stopped_run_goes_on_without_asking_again(make_pack, make_corpus):
    pack, corpus = make_pack([]), make_corpus(TEXTS)
    review = ReviewFile(pack.data / "examples")
    order = [chunk.source.removesuffix(".md") for chunk in corpus.chunks(7)]
    broken = Scripted(**{order[3]: ServeError("gone"), order[1]: "nonsense"})
    with pytest.raises(ServeError):
        synthesize(pack, corpus, broken, review, options())
    assert len(review.read()) == 2
    with review.path.open("a") as file:
        file.write('{"task": "cut in the mid')  # as a kill while writing leaves it
    teacher = Scripted()
    report = synthesize(pack, corpus, teacher, review, options())
    assert teacher.asked == order[3:]
    assert (report.kept, report.waiting) == (3, 5)
    assert len(review.read()) == 5


def test_count_is_what_waits_in_the_end_and_tries_are_a_limit(make_pack, make_corpus):
    pack, corpus = make_pack([]), make_corpus(TEXTS)
    review = ReviewFile(pack.data / "examples")
    assert synthesize(pack, corpus, Scripted(), review, options(2)).kept == 2
    assert synthesize(pack, corpus, Scripted(), review, options(2)).asked == 0
    first = review.read()[0]
    review.settle(first.task, "rejected", first.example)
    assert synthesize(pack, corpus, Scripted(), review, options(2)).kept == 1
    report = synthesize(pack, corpus, Scripted(**dict.fromkeys(PLANTS, "no")), review, options(9, tries=2))
    assert (report.asked, report.kept) == (2, 0)


def test_several_at_once_give_the_same_file(make_pack, make_corpus):
    pack, corpus = make_pack([]), make_corpus(TEXTS)
    alone, together = ReviewFile(pack.data / "a"), ReviewFile(pack.data / "b")
    synthesize(pack, corpus, Scripted(), alone, options())
    synthesize(pack, corpus, Scripted(), together, options(concurrency=4))
    assert alone.path.read_text() == together.path.read_text()


class Rewriting:
    """A teacher that rewrites answers by a function."""

    def __init__(self, rewrite: Any) -> None:
        self.rewrite, self.systems = rewrite, []

    def __call__(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> str:
        self.systems.append(messages[0]["content"])
        return json.dumps({"answer": self.rewrite(messages[-1]["content"].rpartition("Answer: ")[2])})


DULL = {"format": "text", "schema": None, "answer": "Set WATER_LEVEL to 3 in May."}


def test_restyled_answer_waits_for_review_beside_the_old_one(make_pack):
    pack = make_pack([example("quince", **DULL), example("rose")])
    review = ReviewFile(pack.data / "examples")
    teacher = Rewriting(lambda text: f"Happy to help! {text}")
    report = restyle(pack, teacher, review, options())
    assert (report.kept, report.asked) == (1, 1)
    (item,) = review.read()
    assert (item.replaces, item.before) == ("e-quince", DULL["answer"])
    assert item.example.answer == f"Happy to help! {DULL['answer']}"
    assert "A gardener." in teacher.systems[0]
    assert restyle(pack, teacher, review, options()).asked == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Set WATER_LEVEL to 4 in May, my friend.", "a name or number is lost"),
        ("Set the level to 3 in May, my friend.", "a name or number is lost"),
        ("Set WATER_LEVEL and AIR to 3 in May.", "a name or number is new"),
        ("set water_level to 3, in May!", "nothing changed"),
        ("Set WATER_LEVEL to 3 in May. " * 4, "answer is much shorter or longer"),
        ("Not in the leaflets. WATER_LEVEL 3", "answer is a refusal or holds marks"),
        ("", "no JSON of the asked shape"),
    ],
)
def test_restyled_answer_that_says_something_else_is_refused(make_pack, answer, reason):
    pack = make_pack([example("quince", **DULL)])
    report = restyle(pack, Rewriting(lambda text: answer), ReviewFile(pack.data / "examples"), options())
    assert report.refused == {reason: 1}
