"""Counts, the table, and a page that nothing in the examples can break out of."""

import re
from xml.etree import ElementTree

from finetune.dataset_page import stats_page
from finetune.dataset_stats import count_examples, stats_table
from tests.unit.finetune.conftest import example


def words(messages) -> int:
    return sum(len(message["content"].split()) for message in messages)


def test_counts_by_format_schema_tag_and_record(make_pack):
    train = [
        example("quince", tags=["record:quince", "kind:shrub", "hard"]),
        example("quince", id="b", format="yaml", tags=["record:quince", "kind:shrub"]),
        example("cocoa", answer=None, answerable=False, evidence=[], format="text", schema=None),
    ]
    stats = count_examples(make_pack(train, [example("iris")]), words)
    assert stats.train.examples == 3
    assert stats.train.records == 2
    assert stats.train.groups == {
        "format": {"json": 1, "yaml": 1, "text": 1},
        "schema": {"pruning": 2},
        "answer": {"answerable": 2, "refusal": 1},
        "kind": {"shrub": 2},
        "tag": {"hard": 1},
        "examples per record": {"2": 1, "1": 1},
    }
    assert stats.test.groups["format"] == {"json": 1}
    assert len(stats.train.answer_tokens) == 3
    assert min(stats.train.prompt_tokens) > min(stats.train.answer_tokens) > 0
    table = stats_table(stats)
    assert re.search(r"^  json +1  33% +1 100%$", table, re.MULTILINE)


def test_page_is_whole_and_escapes_what_examples_say(make_pack):
    stats = count_examples(make_pack([example("quince", tags=["kind:<script>alert(1)</script>"])]), words)
    page = stats_page(stats)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<svg") == page.count("</svg>") == len(stats.groups) + 2
    assert not re.search(r"(?:src|href)=|url\(|https?:", page)


def test_empty_files_have_a_table_and_a_page(make_pack):
    stats = count_examples(make_pack([]), words)
    assert "examples" in stats_table(stats)
    assert "0 training examples" in stats_page(stats)


def test_every_bar_and_label_lies_inside_its_plot(make_pack):
    train = [
        example(f"plant{n}", question="word " * (n + 1), tags=["kind:a very long name of a kind"]) for n in range(9)
    ]
    page = stats_page(count_examples(make_pack(train, [example("iris")]), words))
    for figure in re.findall(r"<svg.*?</svg>", page):
        svg = ElementTree.fromstring(figure)
        _, _, width, height = map(float, svg.attrib["viewBox"].split())
        bars = list(svg.iter("rect"))
        assert bars
        for bar in bars:
            assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width
            assert 0 <= float(bar.attrib["y"]) <= float(bar.attrib["y"]) + float(bar.attrib["height"]) <= height
        assert all(0 <= float(text.attrib["y"]) <= height for text in svg.iter("text"))
