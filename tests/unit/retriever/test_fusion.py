"""Fusion: weights, bonus, duplicates."""

from retriever.fusion import fuse, with_bonus, without_duplicates


def test_a_hit_of_both_sides_leads():
    ranking = fuse([("a", 0.9), ("b", 0.8)], [("b", 7.0), ("c", 6.0)], {}, 0.5)
    assert [key for key, _ in ranking] == ["b", "a", "c"]


def test_weight_one_is_dense_order_and_zero_lexical_order():
    dense, lexical = [("a", 0.9), ("b", 0.8)], [("b", 7.0), ("a", 6.0)]
    assert [key for key, _ in fuse(dense, lexical, {}, 1.0)] == ["a", "b"]
    assert [key for key, _ in fuse(dense, lexical, {}, 0.0)] == ["b", "a"]


def test_bonus_brings_in_what_neither_side_found():
    assert fuse([("a", 0.9)], [], {"z": 0.8}, 0.5)[0][0] == "z"
    assert with_bonus([("a", 0.9), ("b", 0.5)], {"b": 0.5}) == [("b", 1.0), ("a", 0.9)]


def test_equal_scores_have_a_stable_order():
    assert [k for k, _ in fuse([("b", 1.0)], [("a", 1.0)], {}, 0.5)] == ["a", "b"]


def test_near_duplicates_are_dropped_and_the_next_moves_up():
    long = "the valve of the pump has to be opened before the first use of it"
    texts = [(1, long), (2, long + "."), (3, "something else altogether"), (4, "and a fourth text")]
    assert without_duplicates(texts, 2) == [1, 3]
