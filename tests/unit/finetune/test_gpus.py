"""A training sees the GPUs it was given, and no others."""

from finetune.gpus import environment, freest

FREE = [10, 70, 30, 70]


def test_those_with_the_most_free_memory():
    assert freest(1, FREE) == [1]
    assert freest(2, FREE) == [1, 3]
    assert freest(3, FREE) == [1, 2, 3]
    assert freest(2, []) == []


def test_the_others_are_hidden_by_the_names_that_they_have_here():
    assert environment(1, FREE, {}) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert environment(2, FREE, {"CUDA_VISIBLE_DEVICES": "4,5, 6,GPU-7"}) == {"CUDA_VISIBLE_DEVICES": "5,GPU-7"}


def test_nothing_to_hide():
    assert environment(4, FREE, {}) == {}
    assert environment(1, [], {}) == {}
