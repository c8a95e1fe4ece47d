from html.parser import HTMLParser

import pytest

from ui.safe_html import code, escape, markdown, plain

ALLOWED = {
    "div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "hr",
    "br", "table", "thead", "tbody", "tr", "th", "td", "s", "span", "a",
}  # fmt: skip
PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![a](https://example.invalid/x.png)",
    "![a][r]\n\n[r]: https://example.invalid/x.png",
    "[click](javascript:alert(1))",
    "<javascript:alert(1)>",
    '[x](https://e.invalid "onmouseover=alert(1)")',
    "<svg/onload=alert(1)>",
    "<iframe src=//example.invalid></iframe>",
    "`<b>`<img src=x onerror=alert(1)>`",
    "```\"onclick=alert(1)\n<img src=x>\n```",
    "<details open ontoggle=alert(1)>",
    "| <img src=x> |\n|---|\n| ![a](//e.invalid) |",
    "&lt;img src=x onerror=alert(1)&gt;",
    "</div></section><script>alert(1)</script>",
    "<!-- --><img src=x>",
    "<style>@import '//e.invalid'</style>",
    "[a]: x\n\n<a href=x>[a]</a>",
]  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("draw", [plain, markdown, lambda text: code(text, "json"), lambda text: code(text, "yaml")])
def test_no_tag_or_attribute_of_the_text_survives(draw, payload):
    found = Tags(draw(payload))
    assert set(found.tags) <= ALLOWED
    assert {name for name, _ in found.attributes} <= {"class", "start", "style"}
    assert "a" not in found.tags
    for name, value in found.attributes:
        assert name != "class" or "onclick" not in value or value.startswith("language-")


def test_plain_keeps_text_as_it_is():
    text = "__init__ and *args\n  <b>indented</b> & more"
    assert Tags(plain(text)).text == text
    assert "\n" not in plain(text)


def test_code_keeps_indentation_without_newlines():
    drawn = code("a:\n  b: 1\n  c:\n    - 2", "yaml")
    assert "\n" not in drawn
    assert Tags(drawn).text == "a:\n  b: 1\n  c:\n    - 2"


def test_markdown_is_drawn():
    drawn = markdown("# T\n\n**b** `c`\n\n| a |\n|---|\n| 1 |")
    assert Tags(drawn).tags == ["div", "h1", "p", "strong", "code", "table", "thead", "tr", "th", "tbody", "tr", "td"]


def test_link_shows_its_target():
    assert Tags(markdown("See [the docs](https://example.invalid/a).")).text.strip() == (
        "See the docs (https://example.invalid/a)."
    )


def test_marks_become_links_where_there_is_a_source():
    def link(number):
        return f"#source-{number}" if number < 3 else None

    found = Tags(markdown("Yes [1][2], no [7], `x[1]`.", link))
    assert [value for name, value in found.attributes if name == "href"] == ["#source-1", "#source-2"]
    assert "no [7]" in found.text
    assert "x[1]" in found.text
    assert Tags(plain("Both [1, 2]", link)).tags.count("a") == 2


def test_escape_leaves_no_quote_open():
    assert escape("a\"b'c<d>\r\ne") == "a&quot;b&#x27;c&lt;d&gt;&#10;e"


@pytest.mark.parametrize("write", [plain, markdown, lambda text: code(text, "yaml")])
def test_nothing_is_left_that_gradio_would_dedent(write):
    written = write("a\tb\n    c")
    assert not set(written) & {"\n", "\t"}
    assert "&#9;" in written
    assert "&#10;" in written
