"""Near-duplicates: what counts as the same question in other clothes, and what only shares a template."""

import random

import pytest

from finetune.similar import NearTexts, near_across, question_key, shingles

PLANTS = ["quince", "rose", "fern", "maple", "heather", "thyme", "iris", "poppy"]
TEMPLATE = [f"When do I prune the {plant} in my own garden?" for plant in PLANTS]


def test_questions_of_one_template_are_not_near():
    assert list(NearTexts(TEMPLATE).pairs()) == []


@pytest.mark.parametrize(
    "text",
    ["when do i prune the QUINCE, in my own garden", "When do I prune the quince in my own garden - please?"],
)
def test_small_changes_of_wording_are_near(text):
    ((number, likeness),) = NearTexts(TEMPLATE).near(text)
    assert number == 0
    assert likeness > 0.75


def test_signs_that_change_the_meaning_keep_questions_apart():
    assert shingles("What is {% now %} for?") != shingles("What is |now for?")
    assert question_key("What is {% now %} for?") != question_key("What is |now for?")
    assert question_key("What is  NOW for?") == question_key("what is now for")


@pytest.mark.parametrize(("one", "other"), [("T210", "P302"), ("the Roost 10", "the Roost 15")])
def test_other_names_and_numbers_are_other_questions(one, other):
    template = "{} keeps coming back every night: which part belongs to it, and who handles the code, please?"
    assert NearTexts([template.format(one)]).near(template.format(other)) == []
    assert NearTexts([template.format(one)]).near("So " + template.format(one))


def test_added_texts_are_found():
    known = NearTexts(TEMPLATE)
    assert known.near("Where does the old cocoa tree stand?") == []
    known.add("Where does the old cocoa tree stand?")
    assert known.near("where does the old cocoa tree stand") == [(len(TEMPLATE), 1.0)]


def test_across_two_lists_only_pairs_across_are_reported():
    found = list(near_across([TEMPLATE[0], TEMPLATE[0]], [TEMPLATE[1], TEMPLATE[0].upper()]))
    assert [(left, right) for left, right, _ in found] == [(0, 1), (1, 1)]


def test_search_misses_no_pair_that_brute_force_finds():
    draw = random.Random(3)
    words = [f"word{chr(97 + n)}" for n in range(26)]
    texts = [" ".join(draw.choices(words, k=draw.randint(4, 9))) for _ in range(60)]
    texts += [f"{text} wordb" for text in texts[:40]] + [" ".join(text.split()[1:]) for text in texts[:40]]
    known = NearTexts(texts, 0.6)
    weight = known._weight
    expected = set()
    for right in range(len(texts)):
        for left in range(right):
            a, b = shingles(texts[left]), shingles(texts[right])
            if weight(a & b) / weight(a | b) >= 0.6:
                expected.add((left, right))
    assert {(left, right) for left, right, _ in known.pairs()} == expected
    assert len(expected) > 30
