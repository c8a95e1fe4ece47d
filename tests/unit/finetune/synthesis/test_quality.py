"""What code can see of a bad question or answer; each case is one that a small model really wrote, made short."""

import pytest

from finetune.synthesis.quality import Unfit, check_answer, check_question, text_of

PASSAGE = "Pruning: prune the quince in May, after the last frost. Feed it with 3 litres of compost tea."


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Quince when", "question is too short or too long"),
        ("When? " * 100, "question is too short or too long"),
        ("What does this passage say about quince?", "asks about the passage itself"),
        ("Prune the quince in May, after the last frost.", "question is copied from the chunk"),
        ("How to fix this?", "question could be about anything"),
        ("Is a quince that is a quince that is a quince that is a quince good?", "goes in circles"),
    ],
)
def test_bad_question(question, reason):
    with pytest.raises(Unfit) as unfit:
        check_question(question, PASSAGE)
    assert unfit.value.kind == reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("when do i prune a Quince", "answer repeats the question"),
        ("After the last frost, in May, prune the quince and feed it. " * 2 + "x" * 100, "answer is cut off"),
        ("It is a quince, which is a quince, which is a quince, which is a quince.", "goes in circles"),
        ("Feed it with 4 litres.", "answer says what the chunk does not"),
        ("Set QUINCE_MODE and prune.", "answer says what the chunk does not"),
        ("The difference between partial indexes and functional ones.", "answer says what the chunk does not"),
    ],
)
def test_bad_answer(answer, reason):
    with pytest.raises(Unfit) as unfit:
        check_answer(answer, PASSAGE, "When do I prune a quince?", limit=200)
    assert unfit.value.kind == reason


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When should my quince be pruned?", "In May, after the last frost."),
        ("How much do I feed it after pruning?", "Gladly: feed it 3 litres of compost tea."),
        ("Tell me about feeding the quince.", "- **Food:** compost tea, 3 litres"),
    ],
)
def test_good_ones_pass(question, answer):
    check_question(question, PASSAGE)
    check_answer(answer, PASSAGE, question, limit=200)


def test_text_of_nested_answers():
    assert text_of({"a": ["x", 2], "b": {"c": None, "d": True}}).split() == ["x", "2"]
