"""The report: escaped by construction, loads nothing, tells every arm."""

import re
from html.parser import HTMLParser

import pytest

from core.errors import ServeError
from core.html import Html, el, join
from core.types import STRUCTURED
from evaluation.report.page import render_report
from evaluation.report.plots import Point, Segment, intervals, scatter, stacked

from .conftest import Gardener, half_taught, run, truth

HOSTILE = "<script>alert(1)</script><img src=https://example.invalid/x.png onerror=alert(2)>\"'&"


class Outline(HTMLParser):
    """Tags with attributes, and whether every tag was closed in order."""

    VOID = frozenset({"meta", "br", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.open, self.broken = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)


def test_plain_text_is_escaped_and_markup_is_not():
    assert el("p", "a < b", el("b", "&"), title='"') == '<p title="&quot;">a &lt; b<b>&amp;</b></p>'
    assert join("<", Html("<i>"), None, ["x", 3]) == "&lt;<i>x3"
    assert el("text", "t", text_anchor="end", class_="a", name="n", x=1.04, y=None) == (
        '<text text-anchor="end" class="a" name="n" x="1">t</text>'
    )


def test_the_page_is_well_formed_and_loads_nothing(pack, tmp_path):
    run(pack, tmp_path, Gardener(half_taught), ["base", "rag", "rag+schema", "lora", "hybrid"])
    text = (tmp_path / "out" / "report.html").read_text()
    outline = Outline(text)
    assert not outline.broken
    assert not outline.open
    kinds = {tag for tag, _ in outline.tags}
    assert not kinds & {"script", "link", "img", "iframe", "object", "image", "use"}
    names = {name for _, attributes in outline.tags for name in attributes}
    assert not names & {"src", "href", "xlink:href", "srcset"}
    assert not [name for name in names if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?://", text)
    policies = [a["content"] for tag, a in outline.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0].startswith("default-src 'none'")


def test_what_is_passed_on_holds_no_question_and_no_answer(pack, tmp_path):
    result = run(pack, tmp_path, Gardener(half_taught))
    whole, figures = ((tmp_path / "out" / name).read_text() for name in ("report.html", "figures.html"))
    asked = [str(el("span", example.question)) for example in result.questions]
    assert any(question in whole.replace(' class="question"', "") for question in asked)
    quotes = [evidence.quote for example in result.questions for evidence in example.evidence]
    assert not [
        text for text in (*(e.question for e in result.questions), *quotes) if str(el("p", text))[3:-4] in figures
    ]
    outline = Outline(figures)
    assert not outline.broken
    assert figures.count("<h2") == whole.count("<h2") - 1


def test_hostile_words_anywhere_stay_words(pack, tmp_path):
    """In questions' answers, in failures, in titles and model names: nothing becomes an element."""

    def knows(question):
        if "camellia" in question.text:
            return ServeError(HOSTILE)
        return {"plant": HOSTILE, HOSTILE: HOSTILE} if question.format in STRUCTURED else HOSTILE

    clean = run(pack, tmp_path, Gardener(half_taught), ["base", "hybrid"], out="a", fingerprint="1")
    hostile = run(
        pack, tmp_path, Gardener(knows), ["base", "hybrid"], out="b", fingerprint="2", adapter=f"garden@{HOSTILE}"
    )
    outline = Outline(render_report(hostile))
    assert not outline.broken
    assert {tag for tag, _ in outline.tags} <= {tag for tag, _ in Outline(render_report(clean)).tags}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in render_report(hostile)
    assert "Garden &lt;b&gt;centre&lt;/b&gt;" in render_report(clean)


def test_a_learned_answer_and_an_error_stand_side_by_side(pack, tmp_path):
    text = render_report(run(pack, tmp_path, Gardener(half_taught)))
    assert "hybrid right, rag wrong" in text
    assert "refused rightly" in text
    assert text.count("<details") == text.count("<summary") >= 3
    assert "evidence in the prompt" in text
    assert ">ignored, 0%<" in text


@pytest.mark.parametrize("arms", [["base"], ["hybrid"], ["rag", "rag+icl+schema"]])
def test_any_choice_of_arms_gives_a_report(pack, tmp_path, arms):
    text = render_report(run(pack, tmp_path, Gardener(truth), arms))
    assert not Outline(text).broken
    assert all(f">{arm}<" in text for arm in arms)


def test_a_lab_in_which_everything_is_wrong_still_plots(pack, tmp_path):
    wrong = Gardener(lambda q: {"plant": "x", "month": "y"} if q.format in STRUCTURED else "?")
    assert not Outline(render_report(run(pack, tmp_path, wrong, ["base"]))).broken


def positions(svg: str, tag: str, *keys: str) -> list[tuple[float, ...]]:
    found = [attributes for name, attributes in Outline(svg).tags if name == tag]
    return [tuple(float(a[key]) for key in keys) for a in found if all(key in a for key in keys)]


def point(label: str, y: float, x: float = 0.0) -> Point:
    return Point(label=label, trained=False, y=y, low=y, high=y, x=x)


def test_intervals_put_dots_in_proportion():
    dots = positions(intervals([point("a", 0.0), point("b", 0.5), point("c", 1.0)], "t"), "circle", "cx", "cy")
    xs, ys = zip(*dots, strict=True)
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)
    assert xs[0] < xs[2]
    assert list(ys) == sorted(ys)


def test_scatter_puts_more_cost_right_and_more_quality_up_and_keeps_labels_apart():
    points = [point("one", 0.5, 1000), point("two", 0.5, 1000), point("dear", 0.9, 2000), point("zero", 0.0, 0)]
    svg = scatter(points, "t", "tokens")
    (x1, y1), (x2, y2), (x3, y3), _ = positions(svg, "circle", "cx", "cy")
    assert (x1, y1) == (x2, y2)
    assert x3 > x1
    assert y3 < y1
    labels = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="name halo">(one|two)<', svg)
    assert len({(x, y) for x, y, _ in labels}) == 2


def test_stacked_bars_share_one_length_and_leave_out_what_is_none():
    parts = [Segment(label="right", css="right", count=30), Segment(label="none", css="failed", count=0)]
    svg = stacked([("a", [*parts, Segment(label="x", css="ignored", count=10)]), ("b", parts)], "t")
    assert [wide for (wide,) in positions(svg, "rect", "width")] == pytest.approx([439.5, 145.5, 586.5])
