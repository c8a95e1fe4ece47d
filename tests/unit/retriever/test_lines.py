"""The best line of a chunk, not its sum, answers."""

from retriever.lines import best_line, stem


def test_one_line_that_holds_all_beats_many_that_hold_some():
    weights = {"valve": 1.0, "stuck": 1.0, "pump": 0.5}
    together = best_line("- E1: valve is stuck\n- E2: no water", "Pump errors", weights)
    apart = best_line("- E1: valve open\n- E2: stuck wheel", "Pump errors", weights)
    assert together == (1 + 1 + 0.25) / 2.5
    assert apart == (1 + 0.25) / 2.5


def test_endings_do_not_matter():
    assert stem("fields") == stem("field")
    assert best_line("Opening valves.", "", {"opens": 1.0, "valve": 1.0}) == 1.0


def test_no_words_no_score():
    assert best_line("text", "", {}) == 0.0
