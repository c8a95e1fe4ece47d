"""Tuning and reranking on candidates that were found already: what is judged, what is chosen, what is refused."""

import random

import pytest

from core.errors import RetrievalError
from core.types import Evidence, Example
from retriever.asked import FEWEST, Asked, choose, gain, means
from retriever.candidates import Candidates
from retriever.reranker_training import _pairs, split
from retriever.searching import reranked, weigh
from retriever.tuning import Tuned, _descend
from retriever.weights import Weights
from tests.unit.retriever.rows import make_row

KEYS = [(0, number) for number in range(6)]


def example(number=0, quote="text 0", **fields):
    evidence = (Evidence(source="a.md", quote=quote),)
    return Example(id=f"e{number}", question=f"Question {number}?", answer="A", evidence=evidence, **fields)


def asked(dense, lexical, holders=(KEYS[0],), number=0):
    rows = {key: make_row(f"text {key[1]}", key[1], start=5000 * key[1]) for key in KEYS}
    candidates = Candidates([(KEYS[n], 1.0) for n in dense], [(KEYS[n], 1.0) for n in lexical], {}, rows, {})
    return Asked(example(number, tags=(f"record:r{number}",)), candidates, (frozenset(holders),))


def test_a_question_is_answered_when_its_last_quote_is_found():
    one = asked([0, 1], [0, 1])
    ranking = [(key, 1.0) for key in KEYS]
    assert one.reciprocal_rank(ranking) == 1.0
    both = Asked(one.example, one.candidates, (frozenset({KEYS[0]}), frozenset({KEYS[3]})))
    assert both.reciprocal_rank(ranking) == 0.25
    assert both.reciprocal_rank(ranking[:3]) == 0.0


def test_recall_heeds_k_and_the_budget():
    one = asked([1, 0], [1, 0])
    ranking = weigh(one.candidates, [Weights()])
    count = lambda text: len(text.split())  # noqa: E731
    assert one.judge(ranking, count, 2, 100) == {"recall": 1.0, "mrr": 0.5}
    assert one.judge(ranking, count, 1, 100)["recall"] == 0.0
    assert one.judge(ranking, count, 2, 10)["recall"] == 0.0


def test_the_better_search_gets_the_weight():
    dense_knows = [asked([5, 1, 2], [3, 4], [KEYS[5]], number=n) for n in range(4)]
    assert _descend(dense_knows, Weights()).dense > 0.5
    words_know = [asked([3, 4], [5, 1, 2], [KEYS[5]], number=n) for n in range(4)]
    assert _descend(words_know, Weights(dense=0.9)).dense < 0.5


def test_what_changes_nothing_is_left_as_it_is():
    start = Weights(dense=0.35, line=1.1)
    assert _descend([asked([0], [0])], start) == start


def test_too_few_examples_are_refused_with_the_number():
    with pytest.raises(RetrievalError, match=f"1 training examples name their evidence, and {FEWEST}"):
        choose([example()], 9, 7)
    many = [example(n) for n in range(FEWEST)] + [example(5), Example(id="x", question="No?", answerable=False)]
    chosen = choose(many, 9, 7)
    assert len({e.question for e in chosen}) == 9
    assert chosen == choose(many, 9, 7)
    assert chosen != choose(many, 9, 8)


def test_only_a_gain_on_others_is_kept():
    def tuned(before, after):
        return Tuned(Weights(), 40, before, after, (0, 0, 0))

    assert tuned({"recall": 0.9, "mrr": 0.8}, {"recall": 0.9, "mrr": 0.81}).helps
    assert not tuned({"recall": 0.9, "mrr": 0.8}, {"recall": 0.9, "mrr": 0.8}).helps
    assert not tuned({"recall": 0.9, "mrr": 0.8}, {"recall": 0.89, "mrr": 0.9}).helps


def test_means_and_their_difference():
    before = [{"mrr": 0.5}, {"mrr": 0.5}]
    after = [{"mrr": 1.0}, {"mrr": 0.5}]
    assert means(after) == {"mrr": 0.75}
    middle, low, high = gain(before, after, "mrr", 7)
    assert (middle, low, high) == (0.25, 0.0, 0.5)


class Backwards:
    """A reranker that likes what comes late."""

    def scores(self, question, texts):
        return [number / len(texts) for number in range(len(texts))]


def test_a_reranker_orders_the_leading_hits_and_the_rest_goes():
    one = asked([0, 1, 2, 3], [])
    ranking = weigh(one.candidates, [Weights(dense=1.0)])
    better = reranked("Q?", one.candidates, ranking, Backwards(), 3)
    assert [key for key, _ in better] == [KEYS[2], KEYS[1], KEYS[0]]
    assert [score for _, score in better] == sorted((score for _, score in better), reverse=True)


def test_pairs_are_right_and_wrong_passages_under_their_headings():
    one = asked([1, 0, 2, 3, 4, 5], [1, 0])
    pairs = list(_pairs(one, Weights(), random.Random(1)))
    assert [pair["text"] for pair in pairs if pair["label"]] == ["A > B\ntext 0"]
    wrong = [pair["text"] for pair in pairs if not pair["label"]]
    assert wrong[0] == "A > B\ntext 1"
    assert "A > B\ntext 0" not in wrong
    assert list(_pairs(asked([1], [1], holders=()), Weights(), random.Random(1))) == []


def test_questions_about_one_record_stay_together():
    same = [asked([0], [0], number=n // 2) for n in range(40)]
    own, others = split(same)
    assert own
    assert others
    assert not {one.example.record for one in own} & {one.example.record for one in others}
