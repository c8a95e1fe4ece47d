"""Words among the letters of a page: as a whole, past spaces and hyphens, else their longest parts; boxes by line."""

from ingest.page_words import Letter, joined, places_of


def page(text):
    """Words of letters ten points wide, each at its own place on one line."""
    found, at = [], 0
    for word in text.split():
        found.append([Letter(sign.casefold(), (10 * i, 0, 10 * i + 10, 12)) for i, sign in enumerate(word, start=at)])
        at += len(word) + 1
    return found


def marked(text, wanted):
    """The letters that are marked on a page that reads `text`."""
    words = page(text)
    boxes = set(places_of(wanted, words))
    return " ".join(filter(None, ("".join(letter.text for letter in word if letter.box in boxes) for word in words)))


def test_a_text_is_found_past_spaces_case_and_signs():
    assert marked("Prune the quince in Feb ruary now", "the quince, in February") == "the quince in feb ruary"


def test_where_it_is_not_there_as_a_whole_its_runs_are():
    text = "Code Part Price E07 fan bracket 12 Euro and something else"
    assert marked(text, "E07 | fan bracket | HX-9 | 12 Euro") == "e07 fan bracket 12 euro"


def test_single_words_elsewhere_are_not_marked():
    assert marked("one two three four five", "three unknown words") == ""
    assert marked("one two three", "") == ""


def test_letters_of_a_line_are_one_box_and_lines_are_apart():
    line = [(0, 0, 10, 12), (10, 1, 20, 12), (24, 0, 30, 12)]
    assert joined([*line, (0, -20, 10, -8)]) == [(0, 0, 30, 12), (0, -20, 10, -8)]
    assert joined([(5, 5, 5, 9)]) == []
