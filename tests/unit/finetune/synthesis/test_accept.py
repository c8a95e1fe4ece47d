"""A candidate becomes a training example once, and only if it is sound among the others."""

import json

import pytest

from core.errors import ExampleError
from core.pack import DomainPack
from core.types import Example
from finetune.synthesis.accept import accept, edited
from finetune.synthesis.candidate import Candidate
from tests.unit.finetune.conftest import example


def candidate(line: dict, **changes: object) -> Candidate:
    return Candidate(task="t", example=Example.model_validate(line), **changes)  # type: ignore[arg-type]


def lines(pack: DomainPack) -> list[dict]:
    return [json.loads(line) for line in pack.train_file.read_text().splitlines()]


def test_accepted_example_is_the_last_line_and_accepting_again_adds_nothing(make_pack):
    pack = make_pack([example("quince")])
    accept(pack, candidate(example("fern")))
    accept(pack, candidate(example("fern")))
    assert [line["id"] for line in lines(pack)] == ["e-quince", "e-fern"]
    assert lines(pack)[1] == example("fern")


def test_first_example_makes_the_file_and_a_file_without_line_end_is_continued(make_pack):
    pack = make_pack([])
    pack.train_file.unlink()
    accept(pack, candidate(example("fern")))
    pack.train_file.write_text(pack.train_file.read_text().rstrip("\n"))
    accept(pack, candidate(example("rose")))
    assert [line["id"] for line in lines(pack)] == ["e-fern", "e-rose"]


def test_rewriting_takes_the_place_of_its_example(make_pack):
    old = example("quince", format="text", schema=None, answer="In May.")
    pack = make_pack([old, example("fern")])
    new = {**old, "answer": "In May, my dear."}
    accept(pack, candidate(new, replaces="e-quince", before="In May."))
    assert lines(pack) == [new, example("fern")]


@pytest.mark.parametrize(
    ("line", "changes", "reason"),
    [
        (example("fern", answer={"plant": "fern"}), {}, "breaks schema"),
        (example("fern", id="e-quince"), {}, "another training example has the id"),
        (example("fern", question="When do I prune a QUINCE?", tags=[]), {}, "answers the question of"),
        (example("iris"), {}, "belongs to record 'iris'"),
        (example("fern", schema="trees"), {}, "no schema 'trees'"),
        (example("fern", evidence=[{"source": "prune.md", "quote": "No such"}]), {}, "is not in prune.md"),
        (example("quince"), {"replaces": "e-gone", "before": "x"}, "is gone"),
        (example("quince", id="x"), {"replaces": "e-quince", "before": "x"}, "keeps the id"),
        (
            example("quince", format="text", schema=None, answer="New."),
            {"replaces": "e-quince", "before": "Other."},
            "has changed since",
        ),
    ],
)
def test_flawed_candidate_is_refused_and_the_file_stays(make_pack, make_corpus, line, changes, reason):
    pack = make_pack([example("quince")], [example("iris", id="t")])
    corpus = make_corpus({"prune.md": ["Prune the fern in May. Prune the quince in May. Prune the iris in May."]})
    before = pack.train_file.read_bytes()
    with pytest.raises(ExampleError, match=reason):
        accept(pack, candidate(line, **changes), corpus)
    assert pack.train_file.read_bytes() == before


def test_what_a_person_wrote_is_checked(make_pack):
    assert edited(json.dumps(example("fern"))).id == "e-fern"
    with pytest.raises(ExampleError, match="not JSON"):
        edited("{")
