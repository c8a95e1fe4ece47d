"""Two runs compared: nothing where nothing changed, a regression where an arm got clearly worse, pairs by question."""

import pytest

from core.errors import LabError
from evaluation.compare import compare_runs, comparison_table
from evaluation.runs import read_run

from .conftest import Gardener, run, truth


def forgetful(question):
    """Knows nothing of structured answers any more."""
    return {"plant": "fern", "month": "June"} if question.format in ("json", "yaml") else truth(question)


def compare(tmp_path, before="a", after="b", tolerance=0.01):
    return compare_runs(
        read_run(tmp_path / before), read_run(tmp_path / after), tolerance=tolerance, resamples=500, seed=1
    )


def entry(comparison, arm, measure):
    return next(e for e in comparison["figures"] if (e["arm"], e["measure"]) == (arm, measure))


def test_the_same_answers_are_no_regression(pack, tmp_path):
    for out in ("a", "b"):
        run(pack, tmp_path, Gardener(truth), ["rag", "hybrid"], out=out)
    found = compare(tmp_path)
    assert found["regressions"] == []
    assert {e["mean"] for e in found["figures"]} == {0.0}
    assert found["same_test_set"]
    assert "worse" not in comparison_table(found)


def test_an_arm_that_got_worse_is_a_regression_and_the_other_is_not(pack, tmp_path):
    def half(question):
        return forgetful(question) if question.arm.name == "hybrid" else truth(question)

    run(pack, tmp_path, Gardener(truth), ["rag", "hybrid"], out="a")
    run(pack, tmp_path, Gardener(half), ["rag", "hybrid"], out="b", fingerprint="g")
    found = compare(tmp_path)
    assert "hybrid: Field exact match" in found["regressions"]
    assert not any(name.startswith("rag") for name in found["regressions"])
    assert entry(found, "hybrid", "field_em")["mean"] == -1.0
    assert entry(found, "hybrid", "prose_f1")["mean"] == 0.0
    assert "worse" in comparison_table(found)
    back = compare(tmp_path, "b", "a")
    assert back["regressions"] == []
    assert "better" in comparison_table(back)
    assert compare(tmp_path, tolerance=1.0)["regressions"] == []


def test_only_questions_of_both_are_compared(pack, tmp_path):
    run(pack, tmp_path, Gardener(truth), ["rag", "base"], out="a")
    run(pack, tmp_path, Gardener(truth), ["rag"], out="b", limit=4)
    found = compare(tmp_path)
    assert max(e["n"] for e in found["figures"]) == 4
    assert found["left_out"] == ["base"]
    assert "in one of them only: base" in comparison_table(found)


def test_an_edited_question_is_another_one(pack, tmp_path):
    run(pack, tmp_path, Gardener(truth), ["rag"], out="a")
    path = tmp_path / "a" / "answers.jsonl"
    path.write_text(path.read_text().replace("When is", "When was"))
    run(pack, tmp_path, Gardener(truth), ["rag"], out="b")
    with pytest.raises(LabError, match="no question in common"):
        compare(tmp_path)


def test_labs_without_a_common_arm_or_domain_are_refused(pack, tmp_path):
    run(pack, tmp_path, Gardener(truth), ["rag"], out="a")
    run(pack, tmp_path, Gardener(truth), ["base"], out="b")
    with pytest.raises(LabError, match="no arm is in both labs"):
        compare(tmp_path)
    path = tmp_path / "b" / "lab.json"
    path.write_text(path.read_text().replace('"domain": "garden"', '"domain": "django"'))
    with pytest.raises(LabError, match="two domains, garden and django"):
        compare(tmp_path)
