"""Elements are found in their source although it has markup between the words."""

from ingest.align import align


def test_spans_cover_the_words_and_skip_markup():
    text = "# A `Title`\n\nSee [the guide](https://x.example/a/b) for *more*.\n"
    spans = align(text, ["A Title", "See the guide for more."])
    assert [text[a:b] for a, b in filter(None, spans)] == [
        "A `Title",
        "See [the guide](https://x.example/a/b) for *more",
    ]


def test_an_element_that_is_not_there_is_none_and_does_not_move_the_cursor():
    text = "one two three\n\nfour five six"
    spans = align(text, ["one two three", "nothing of this kind", "four five six"])
    assert spans[1] is None
    assert spans[2] is not None
    assert text[slice(*spans[2])] == "four five six"


def test_repeated_elements_are_found_one_after_the_other():
    text = "- yes\n- no\n- yes\n"
    spans = align(text, ["yes", "no", "yes"])
    assert spans == [(2, 5), (8, 10), (13, 16)]
