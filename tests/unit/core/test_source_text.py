"""Where cited words are marked in a document's text: at the words themselves, else at the characters."""

from core.document_store import TextPiece
from core.source_text import spans_of

PIECES = [
    TextPiece(0, 20, "Prune in  February.\n", "slide 1"),
    TextPiece(20, 58, "Prune in February. Never in winter.\n", "slide 2"),
]


def test_of_several_places_the_nearest_counts_with_white_space_folded():
    assert spans_of(PIECES, "Prune in February.", 20, 38) == [[], [(0, 18)]]
    assert spans_of(PIECES, "Prune in February.", 0, 19) == [[(0, 19)], []]
    assert spans_of(PIECES, "Prune in February.", None, None) == [[(0, 19)], []]


def test_words_that_are_nowhere_leave_the_characters_over_several_pieces():
    assert spans_of(PIECES, "Not a word of it", 9, 29) == [[(9, 20)], [(0, 9)]]
    assert spans_of(PIECES, "Not a word of it", None, None) == [[], []]
    assert spans_of([], "x", 0, 1) == []
