"""From whose feedback a data set came is counted, and travels with what is trained on it."""

from finetune.preference_rows import _judgements, _pairs
from finetune.preferences import Preference


class Prompts:
    """Every question is its own prompt, every answer a message."""

    def prompt(self, preference):
        return [{"role": "user", "content": preference.question}], []

    def answer(self, side, preference, cited):
        return [{"role": "assistant", "content": str(side)}]


def judged(name, answer, good, user):
    tags = (f"user:{user}",) if user else ()
    return Preference(id=name, question="When?", answer=answer, good=good, tags=tags)


def test_each_row_names_whose_judgement_it_is():
    rows = _judgements(Prompts(), [judged("a", "Now", True, "ann"), judged("b", "Never", False, None)])
    assert [row["users"] for row in rows] == [["ann"], []]


def test_a_pair_of_two_judgements_is_of_both():
    (row,) = _pairs(Prompts(), [judged("a", "Now", True, "ann"), judged("b", "Never", False, "bob")])
    assert row["users"] == ["ann", "bob"]
