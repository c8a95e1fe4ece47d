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


def test_a_name_with_a_full_stop_is_one_line_and_chinese_sentences_are_several():
    assert best_line("pump.E002", "[]", {"pump.e002": 1.0, "e002": 1.0}) == 1.0
    weights = {"红色": 1.0, "蓝色": 1.0}
    assert best_line("灯是红色。灯是蓝色。", "[]", weights) == 0.5
