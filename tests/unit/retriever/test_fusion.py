"""Fusion: weights, bonus, best line, duplicates."""

from retriever.candidates import Candidates
from retriever.fusion import rank, without_duplicates
from retriever.weights import Weights
from tests.unit.retriever.rows import make_row

A, B, C, Z = (0, 1), (0, 2), (0, 3), (0, 26)


def candidates(dense=(), lexical=(), names=None, texts=None, words=None):
    rows = {key: make_row((texts or {}).get(key, "text"), key[1]) for key in (A, B, C, Z)}
    return Candidates(list(dense), list(lexical), names or {}, rows, words or {})


def order(found, **weights):
    return [key for key, _ in rank(found, lambda _key: Weights(**weights))]


def test_a_hit_of_both_sides_leads():
    assert order(candidates([(A, 0.9), (B, 0.8)], [(B, 7.0), (C, 6.0)]), dense=0.5) == [B, A, C]


def test_weight_one_is_dense_order_and_zero_lexical_order():
    found = candidates([(A, 0.9), (B, 0.8)], [(B, 7.0), (A, 6.0)])
    assert order(found, dense=1.0) == [A, B]
    assert order(found, dense=0.0) == [B, A]


def test_a_name_brings_in_what_neither_side_found():
    assert order(candidates([(A, 0.9)], names={Z: 0.8}))[0] == Z
    assert order(candidates([(A, 0.9)], names={Z: 0.8}), names=0.0)[0] == A


def test_the_best_line_decides_among_hits():
    found = candidates([(A, 0.9), (B, 0.8)], texts={B: "the valve is stuck"}, words={"valve": 0.5, "stuck": 0.5})
    assert order(found, line=0.0) == [A, B]
    assert order(found, line=1.0) == [B, A]


def test_each_corpus_has_its_own_weights():
    here, there = (0, 1), (1, 1)
    found = Candidates([(here, 0.9)], [(there, 5.0)], {}, {here: make_row("x"), there: make_row("y")}, {})
    lexical_there = [Weights(dense=0.2), Weights(dense=0.1)]
    assert [key for key, _ in rank(found, lambda key: lexical_there[key[0]])] == [there, here]


def test_scores_stay_between_zero_and_one():
    found = candidates([(A, 1.0)], [(A, 9.0)], names={A: 2.0}, texts={A: "valve"}, words={"valve": 1.0})
    assert [score for _, score in rank(found, lambda _key: Weights())] == [1.0]


def test_only_leading_candidates_are_read():
    found = candidates([(A, 0.9), (B, 0.8), (C, 0.7)], words={"text": 1.0})
    assert order(found, candidates=2) == [A, B]


def test_more_than_the_candidates_are_read_where_more_are_wanted():
    found = candidates([(A, 0.9), (B, 0.8), (C, 0.7)], words={"text": 1.0})
    ranking = rank(found, lambda _key: Weights(candidates=1), 2)
    assert [key for key, _ in ranking] == [A, B]
    assert rank(found, lambda _key: Weights(candidates=3), 2) == rank(found, lambda _key: Weights(candidates=3))
    assert rank(candidates(), lambda _key: Weights(), 2) == []


def test_equal_scores_have_a_stable_order():
    assert order(candidates([(B, 1.0)], [(A, 1.0)]), dense=0.5) == [A, B]


def test_near_duplicates_are_dropped_and_the_next_moves_up():
    long = "the valve of the pump has to be opened before the first use of it"
    texts = [(1, long), (2, long + "."), (3, "something else altogether"), (4, "and a fourth text")]
    assert list(without_duplicates(texts)) == [1, 3, 4]
