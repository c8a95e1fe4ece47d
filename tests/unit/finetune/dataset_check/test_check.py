"""Every kind of flaw is found at its line, and a sound set has none."""

from pathlib import Path

import pytest

from finetune.dataset_check.check import Limits, check_examples
from finetune.dataset_check.finding import Finding
from tests.unit.finetune.conftest import example

PLANTS = ["quince", "rose", "fern", "maple", "heather"]
LONG = "At what time of the year is it best to cut back an old {} that has grown far too wide?"
TEXT = {"prune.md": [f"Prune the {plant} in May." for plant in [*PLANTS, "iris", "poppy"]]}
NO_ANSWER = example("cocoa", answer=None, answerable=False, evidence=[])


def flaws(report) -> list[Finding]:
    """Findings about lines; those about whole files are another test's matter."""
    return [finding for finding in report.findings if finding.line is not None]


def words(messages) -> int:
    return sum(len(message["content"].split()) for message in messages)


def test_sound_examples_have_no_flaw(make_pack, make_corpus):
    pack = make_pack([*map(example, PLANTS), NO_ANSWER], [example("iris")])
    report = check_examples(pack, make_corpus(TEXT), words, Limits(2000, 100, 50))
    assert flaws(report) == []
    assert report.errors == 0
    assert (report.train, report.test) == (6, 1)


@pytest.mark.parametrize(
    ("line", "check", "part"),
    [
        ("{nonsense", "line", "not JSON"),
        (example("iris", answer="text"), "line", "needs an object"),
        (example("iris", schema="trees"), "line", "no schema 'trees'"),
        (example("iris", colour="red"), "line", "colour"),
        (example("iris", id="e-quince"), "id", "train.jsonl:1"),
        (example("quince", id="x"), "duplicate", "train.jsonl:1"),
        (
            example("quince", id="x", answer={"plant": "quince", "month": "June"}),
            "contradiction",
            "train.jsonl:1",
        ),
        (example("iris", answer={"plant": "iris"}), "schema", "'month' is a required property"),
        (example("iris", answer={"plant": "iris", "month": "May", "sun": "dim"}), "schema", "sun"),
        (example("iris", format="markdown", answer="## Plant\n\nIris."), "schema", "lacks sections of schema pruning"),
        (example("iris", format="text", schema=None, answer="In May [1]."), "answer", "citation mark"),
        (example("iris", format="text", schema=None, answer="Not in the leaflets."), "answer", "is the refusal"),
        (example("iris", answer=None, answerable=False), "answer", "yet has evidence"),
        (example("iris", evidence=[]), "evidence", "no evidence"),
        (example("iris", evidence=[{"source": "prun.md", "quote": "x"}]), "evidence", "prun.md"),
        (example("iris", evidence=[{"source": "prune.md", "quote": "Water it"}]), "evidence", "is not in prune.md"),
        (example("iris", evidence=[{"source": "prune.md", "quote": "in May."}]), "evidence", "7 times"),
        (
            example("iris", evidence=[{"source": "prune.md", "quote": "the iris in May. Prune"}]),
            "evidence",
            "cut in two",
        ),
        (example("iris", question="When? " * 400), "length", "of 400"),
        (example("iris", answer={"plant": "i " * 60, "month": "May"}), "length", "cut at 50"),
    ],
)
def test_flaw_is_named_with_file_and_line(make_pack, make_corpus, line, check, part):
    pack = make_pack([*map(example, PLANTS), line])
    (finding,) = flaws(check_examples(pack, make_corpus(TEXT), words, Limits(400, 100, 50)))
    assert (finding.check, finding.line, Path(finding.file).name) == (check, 6, "train.jsonl")
    assert part in finding.message
    assert finding.remedy


@pytest.mark.parametrize(
    ("line", "severity", "part"),
    [
        (example("iris", id="x", question="Iris?"), "error", "belongs to record 'iris'"),
        (example("iris", tags=["record:other"], id="x", evidence=[]), "error", "asks the question"),
        (example("poppy", id="e-iris"), "error", "has the id"),
        (example("iris", id="x", question="Iris?", tags=[]), "warning", "rests on the sentence"),
        (
            example("poppy", question="So " + LONG.format("iris"), evidence=[], tags=[]),
            "warning",
            "almost what the test",
        ),
    ],
)
def test_leakage_is_named_with_both_places(make_pack, line, severity, part):
    tested = example("iris", question=LONG.format("iris")) if "So " in line["question"] else example("iris")
    pack = make_pack([*map(example, PLANTS), line], [tested])
    (finding,) = [f for f in flaws(check_examples(pack, None)) if f.check == "leakage"]
    assert finding.severity == severity
    assert part in finding.message
    assert finding.line == 6
    assert finding.other is not None
    assert finding.other.endswith("test.jsonl:1")


def test_near_duplicates_in_one_format_are_warned_of_and_in_two_are_not(make_pack):
    first = example("iris", question=LONG.format("iris"))
    near = {**first, "id": "x", "question": "So " + LONG.format("iris")}
    report = check_examples(make_pack([*map(example, PLANTS), first, near]), None)
    assert [(f.check, f.severity) for f in flaws(report)] == [("near-duplicate", "warning")]
    other = {**near, "format": "text", "schema": None, "answer": "In May."}
    assert flaws(check_examples(make_pack([*map(example, PLANTS), first, other]), None)) == []


def test_imbalance_is_warned_of_for_the_file(make_pack):
    lines = [example(f"plant{n}", answer={"plant": f"plant{n}", "month": "May", "sun": "full"}) for n in range(30)]
    report = check_examples(make_pack(lines, [example("iris")]), None)
    found = {(f.check, Path(f.file).name) for f in report.findings if f.line is None}
    expected = {
        ("size", "train.jsonl"),
        ("size", "test.jsonl"),
        ("refusals", "train.jsonl"),
        ("refusals", "test.jsonl"),
    }
    assert found == expected | {("formats", "train.jsonl"), ("labels", "train.jsonl")}
    labels = [f.message for f in report.findings if f.check == "labels"]
    assert any("never half, shade" in message for message in labels)
    assert any("full in 30 of 30" in message for message in labels)


def test_kind_that_is_tested_and_never_trained_is_named(make_pack):
    def tagged(plant: str, *tags: str) -> dict:
        return example(plant, tags=[f"record:{plant}", *tags])

    pack = make_pack(
        [tagged("quince", "kind:shrub"), tagged("rose", "hard")], [tagged("iris", "kind:shrub", "kind:bulb", "hard")]
    )
    (finding,) = [f for f in check_examples(pack, None).findings if f.check == "tags"]
    assert "kind:bulb" in finding.message


def test_what_could_not_be_checked_is_said(make_pack):
    pack = make_pack([example("iris")])
    pack.test_file.unlink()
    skipped = " ".join(check_examples(pack, None).skipped)
    assert "test.jsonl" in skipped
    assert "graft ingest" in skipped


def test_errors_come_first(make_pack):
    report = check_examples(make_pack([example("quince", evidence=[]), "{", example("fern")]), None)
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities)
    assert severities[0] == "error"
