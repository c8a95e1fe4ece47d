"""Fusion: weights, bonuses, duplicates."""

import pytest

from retriever.candidates import Candidates
from retriever.fusion import rank, without_duplicates
from retriever.weights import Weights

A, B, C = (0, 1), (0, 2), (0, 3)
ROWS = {key: {"text": text, "headings": "[]"} for key, text in ((A, "one word"), (B, "another word"), (C, "third"))}


def ranking(near, lexical=(), named=None, words=None, **weights):
    found = Candidates(list(near), list(lexical), named or {}, ROWS, words or {})
    return rank(found, lambda key: Weights(**weights))


def order(*args, **options):
    return [key for key, _ in ranking(*args, **options)]


def test_a_hit_of_both_sides_leads():
    assert order([(A, 0.9), (B, 0.8)], [(B, 7.0), (C, 6.0)], dense=0.5) == [B, A, C]


def test_weight_one_is_dense_order_and_zero_lexical_order():
    dense, lexical = [(A, 0.9), (B, 0.8)], [(B, 7.0), (A, 6.0)]
    assert order(dense, lexical, dense=1.0) == [A, B]
    assert order(dense, lexical, dense=0.0) == [B, A]


def test_a_name_brings_in_what_neither_side_found():
    assert order([(A, 0.9)], [], {C: 2.0}, dense=0.5)[0] == C
    assert order([(A, 0.9)], [], {C: 2.0}, dense=0.5, names=0.0)[0] == A


def test_the_best_line_decides_between_equals():
    assert order([(A, 0.9), (B, 0.9)], [(B, 1.0), (A, 1.0)], words={"another": 1.0}, dense=0.5)[0] == B


def test_scores_are_between_zero_and_one_and_fall():
    scores = [score for _, score in ranking([(A, 0.9), (B, 0.8)], [(A, 7.0)], {A: 2.0}, {"one": 1.0})]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(1.0)
    assert all(0 <= score <= 1 for score in scores)


def test_equal_scores_have_a_stable_order():
    assert order([(B, 1.0)], [(A, 1.0)], dense=0.5) == [A, B]


def test_near_duplicates_are_dropped_and_the_next_moves_up():
    long = "the valve of the pump has to be opened before the first use of it"
    texts = [(1, long), (2, long + "."), (3, "something else altogether"), (4, "and a fourth text")]
    assert list(without_duplicates(texts)) == [1, 3, 4]
