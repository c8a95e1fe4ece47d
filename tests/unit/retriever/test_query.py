"""Questions: names found, words that only ask dropped."""

from retriever.query import quoted, read_question


def test_words_that_only_ask_are_dropped():
    query = read_question("What does the random filter do?")
    assert query.words == ("random", "filter")
    assert query.names == ()


def test_a_stop_word_that_is_marked_as_a_name_is_searched():
    query = read_question("What is {% for %} for?")
    assert query.names == ("for",)
    assert query.words == ("for",)


def test_parts_of_names_are_not_other_words():
    query = read_question("What does fields.E003 mean here?")
    assert query.names == ("fields.E003",)
    assert query.others == ()


def test_a_question_of_stop_words_still_searches():
    assert read_question("what is it").words == ("what", "is", "it")


def test_quotes_cannot_break_out():
    assert quoted('a" OR b') == '"a"" OR b"'
