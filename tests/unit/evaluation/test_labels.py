"""Labels of people, a judge, and how the lab's rules agree with both."""

import json

import pytest

from core.errors import LabError, ServeError
from evaluation.judge import judge_messages, judge_run, read_verdict
from evaluation.labels import Labels, agreement, agreement_line, answer_key, metric_verdicts, to_label
from evaluation.runs import read_run

from .conftest import Gardener, half_taught, run


@pytest.fixture
def lab(pack, tmp_path):
    run(pack, tmp_path, Gardener(half_taught), ["rag", "hybrid"])
    return read_run(tmp_path / "out")


def rows_of(lab, arm="rag"):
    return [row for row in lab.rows if row.arm == arm]


def test_labels_are_kept_and_belong_to_the_answer_that_was_read(lab, tmp_path):
    labels = Labels(tmp_path / "labels.jsonl")
    row = rows_of(lab)[0]
    labels.add(row, right=True)
    labels.add(row, right=False)  # a second look counts
    again = Labels(tmp_path / "labels.jsonl")
    assert (again.get(row), len(again)) == (False, 1)
    other = row.model_copy(update={"answer": row.answer.model_copy(update={"text": "Another."})})
    assert again.get(other) is None
    twin = row.model_copy(update={"arm": "hybrid"})
    assert again.get(twin) is False


def test_a_sample_does_not_change_with_what_is_labelled(lab, tmp_path):
    labels = Labels(tmp_path / "labels.jsonl")
    first = to_label(rows_of(lab), labels, 4, 1)
    assert len(first) == 4
    labels.add(first[0], right=True)
    assert to_label(rows_of(lab), labels, 4, 1) == first[1:]


def test_agreement_counts_kindness_and_strictness(lab, tmp_path):
    rows, labels = rows_of(lab), Labels(tmp_path / "labels.jsonl")
    said = metric_verdicts(rows)
    assert agreement(rows, said, labels, 100, 1)["n"] == 0
    for row in rows:
        labels.add(row, right=said[answer_key(row)])
    whole = agreement(rows, said, labels, 100, 1)
    assert (whole["agreement"]["mean"], whole["kappa"], whole["too_kind"]) == (1.0, 1.0, [])
    right = next(row for row in rows if said[answer_key(row)])
    labels.add(right, right=False)
    found = agreement(rows, said, labels, 100, 1)
    assert found["agreement"]["mean"] == pytest.approx(6 / 7, abs=1e-4)
    assert found["too_kind"] == [right.example.id]
    assert 0 < found["kappa"] < 1
    assert agreement_line("rule", found).startswith("rule agrees with people in 85.7% [")
    assert "too kind 1, too strict 0" in agreement_line("rule", found)


def test_a_broken_label_is_named(tmp_path):
    (tmp_path / "labels.jsonl").write_text("{}\n")
    with pytest.raises(LabError, match=r"labels.jsonl:1: not a label"):
        Labels(tmp_path / "labels.jsonl")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"reason": "same", "right": true}', True),
        ('Sure: {"right": false} ok', False),
        ('{"right": "yes"}', None),
        ('{"reason"', None),
        ("right", None),
        ("[true]", None),
    ],
)
def test_verdicts(text, verdict):
    assert read_verdict(text) is verdict


def test_the_judge_sees_the_case_and_not_the_arm(lab):
    row = next(row for row in rows_of(lab, "hybrid") if row.example.id == "heather-0")
    system, user = judge_messages(row)
    assert json.loads(user["content"]) == {
        "question": row.example.question,
        "expected": {"plant": "heather", "month": "March"},
        "evidence": ["Prune heather in March"],
        "answer": row.answer.text,
    }
    assert "hybrid" not in system["content"] + user["content"]


def honest(messages, schema):
    """A judge that knows the trade."""
    case = json.loads(messages[1]["content"])
    if isinstance(case["expected"], dict):
        return json.dumps({"reason": "", "right": str(case["expected"]["month"]) in case["answer"]})
    refused = case["answer"] == "(a refusal)"
    return json.dumps({"reason": "", "right": refused or case["answer"].startswith(case["expected"])})


def test_a_judge_is_asked_once_per_answer_and_held_against_people(lab, tmp_path):
    labels, cache, asked = Labels(tmp_path / "labels.jsonl"), tmp_path / "judge.jsonl", []

    def ask(messages, schema):
        asked.append(messages)
        return honest(messages, schema)

    for row in rows_of(lab, "hybrid"):
        labels.add(row, right=True)
    options = {"concurrency": 2, "resamples": 100, "seed": 1}
    result = judge_run(lab, ["rag", "hybrid"], ask, labels, cache, **options)
    assert result["arms"]["hybrid"]["judged"]["mean"] == 1.0
    assert result["arms"]["rag"]["rules"]["mean"] == pytest.approx(3 / 7, abs=1e-4)
    assert result["with_people"]["judge"]["agreement"]["mean"] == 1.0
    assert result["with_rules"] > 0.8
    count = len(asked)
    assert judge_run(lab, ["rag", "hybrid"], ask, labels, cache, **options) == result
    assert len(asked) == count


def test_a_judge_that_says_nothing_is_counted_and_one_that_is_down_stops(lab, tmp_path):
    options = {"concurrency": 1, "resamples": 100, "seed": 1}
    silent = judge_run(lab, ["rag"], lambda m, s: "Hm.", Labels(tmp_path / "l"), tmp_path / "j", **options)
    assert silent["arms"]["rag"]["judged"] is None
    assert silent["arms"]["rag"]["no_verdict"] == 7
    assert silent["with_rules"] is None

    def down(messages, schema):
        raise ServeError("down")

    with pytest.raises(ServeError, match="down"):
        judge_run(lab, ["rag"], down, Labels(tmp_path / "l"), tmp_path / "k", **options)
