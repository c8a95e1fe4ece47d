"""The advice as Markdown and HTML: whole, escaped, loads nothing."""

import re
from html.parser import HTMLParser

from advisor.advice import advise
from advisor.markdown import to_markdown
from advisor.page import to_html

from .conftest import KNOWN, figure, lab
from .test_advice import AHEAD

HOSTILE = "<script>alert(1)</script>|\"'&"


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found, self.open, self.broken = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)


def told(**known):
    costly = {name: {**entry, "cost_per_1000": {**figure(0.5), "currency": "USD"}} for name, entry in AHEAD.items()}
    return advise(KNOWN.model_copy(update=known), lab(costly))


def test_markdown_holds_every_part():
    text = to_markdown(told(), "Garden")
    for part in (
        "Use hybrid: +30 points [+22, +38] against rag+icl.** Fine-tune.",
        "9 minutes",
        "0.5 USD [0.45, 0.55]",
        "What would change the decision",
        "1. examples in the prompt (ICL)",
        "| QLoRA |",
        "confirms",
    ):
        assert part in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 2  # two tables, each of one width


def test_the_page_is_well_formed_escaped_and_loads_nothing():
    page = to_html(told(domain=HOSTILE, test_file=HOSTILE), HOSTILE)
    tags = Tags(page)
    assert (tags.broken, tags.open) == ([], [])
    assert {tag for tag, _ in tags.found}.isdisjoint({"script", "img", "link", "iframe"})
    assert not any(key in attrs for _, attrs in tags.found for key in ("src", "href", "onerror"))
    assert "default-src &#x27;none&#x27;" in page
    assert "url(" not in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_before_a_lab_the_page_says_so():
    text = to_html(advise(KNOWN), "Garden")
    assert "Not measured yet; the questions speak for hybrid. Start with ICL." in text
