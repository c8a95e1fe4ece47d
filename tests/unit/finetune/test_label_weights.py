"""Weights of labels: which tokens hold a deciding character."""

import re

import pytest
import torch

from finetune.label_weights import LabelWeights

WORD = re.compile(r"\s?\w+|\s?\[|\S|\s")


class Words:
    """A vocabulary that grows with what it reads."""

    def __init__(self, spaces: bool = True) -> None:
        self.known: list[str] = []
        self.spaces = spaces

    def encode(self, text: str) -> list[int]:
        pieces = WORD.findall(text)
        self.known += [piece for piece in dict.fromkeys(pieces) if piece not in self.known]
        return [self.known.index(piece) for piece in pieces]

    def decode(self, ids: list[int]) -> str:
        text = "".join(self.known[i] for i in ids)
        return text if self.spaces else text.strip()


@pytest.mark.parametrize("spaces", [True, False])
@pytest.mark.parametrize(
    ("text", "heavy"),
    [
        ('{"citations": [2], "answer": {"name": "a", "codes": [2]}}', ["[", "2", "]"]),
        ("citations: []\nanswer: null", ["[", "]"]),
        ("I cannot find this.", ["I"]),
        ("red is a level of [1] stones. [3]", ["red", "[", "1", "]", "[", "3", "]"]),
    ],
)
def test_tokens_that_decide_weigh_more(text: str, heavy: list[str], spaces: bool) -> None:
    words = Words(spaces)
    prompt, answer = words.encode("What is red [4]?"), words.encode(text)
    labels = torch.tensor([[-100] * len(prompt) + answer + [-100, -100]])
    weights = LabelWeights(words, 5).of(labels)
    assert weights.shape == labels.shape
    found = [words.decode([int(i)]).strip() for i in labels[weights == 5]]
    assert found == heavy
    assert set(weights.unique().tolist()) == {1.0, 5.0}


def test_a_row_without_labels_weighs_nothing_more() -> None:
    assert LabelWeights(Words(), 5).of(torch.full((2, 3), -100)).tolist() == [[1.0] * 3] * 2
