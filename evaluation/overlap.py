"""Token overlap of two texts: F1, recall and precision of their words, counted with repetition.

As in SQuAD's F1 (Rajpurkar et al. 2016), and token recall and K-precision of Adlakha et al. 2023. No meaning is judged.
"""

from collections import Counter

from evaluation.words import words


def token_recall(expected: str, found: str) -> float:
    """Share of the expected words that were found, 0 to 1. Nothing expected: 1."""
    wanted = words(expected)
    return _shared(wanted, words(found)) / len(wanted) if wanted else 1.0


def token_precision(found: str, knowledge: str) -> float:
    """Share of the words of `found` that stand in `knowledge` (K-precision), 0 to 1. No words: 0."""
    said = words(found)
    return _shared(said, words(knowledge)) / len(said) if said else 0.0


def token_f1(expected: str, found: str) -> float:
    """Harmonic mean of token precision and recall, 0 to 1. Two texts without words are equal if they are the same."""
    wanted, said = words(expected), words(found)
    if not wanted and not said:
        return float("".join(expected.split()) == "".join(found.split()))
    return 2 * _shared(wanted, said) / (len(wanted) + len(said))


def _shared(left: list[str], right: list[str]) -> int:
    return (Counter(left) & Counter(right)).total()
