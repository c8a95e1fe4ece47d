"""The Markdown table and the sentences below it."""

import pytest

from evaluation.table import interaction_sentence, margin_sentence

from .conftest import Gardener, half_taught, run


def margin(low: float, high: float) -> dict:
    return {"arm": "hybrid", "against": "rag", "measure": "field_em", "mean": (low + high) / 2, "ci95": [low, high]}


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.3, "hybrid is ahead of the best arm without training (rag): field exact match +20.0 points"),
        (-0.3, -0.1, "hybrid is behind the best arm without training (rag): field exact match −20.0 points"),
        (-0.1, 0.3, "hybrid is not told apart from the best arm without training (rag)"),
    ],
)
def test_the_margin_says_no_more_than_its_interval(low, high, words):
    assert margin_sentence({"margin": margin(low, high)}).startswith(words)


def test_sentences_are_empty_without_the_arms():
    assert margin_sentence({"margin": None}) == interaction_sentence({"interaction": None}) == ""


def test_table_has_a_row_per_arm_and_only_columns_that_apply(pack, tmp_path):
    lines = run(pack, tmp_path, Gardener(half_taught)).table.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:6]]
    assert cells[0][:2] == ["Arm", "Field exact match"]
    assert [row[0] for row in cells[2:]] == ["base", "rag", "lora", "hybrid"]
    assert len({len(line) for line in lines[:6]}) == 1
    evidence = cells[0].index("Evidence found")
    assert [row[evidence] for row in cells[2:]] == ["–", "100.0", "–", "100.0"]
    assert cells[5][1] == "100.0 [100.0, 100.0]"
    assert cells[5][-3:] == ["100 / 10", "0.50", "0.00694 USD"]
    without = run(pack, tmp_path, Gardener(half_taught), ["base"], out="other").table
    assert "Evidence found" not in without
    assert "best arm without training" not in without
