"""Blocks of verbatim formats: levels from the source's own marks, every character covered."""

from ingest.verbatim import Element, plain, to_blocks

MARKDOWN = """# Pump `X`

Intro with a [link](http://x.example).

## Errors

- **E1**: valve stuck
- **E2**: no water

```python
# not a heading

x = 1
```

| code | text |
| --- | --- |
| a | b |
"""
ELEMENTS = [
    Element("Title", "Pump X"),
    Element("NarrativeText", "Intro with a link."),
    Element("Title", "Errors"),
    Element("ListItem", "E1: valve stuck"),
    Element("ListItem", "E2: no water"),
    Element("CodeSnippet", "# not a heading\n\nx = 1"),
    Element("Table", "code text a b"),
]


def shape(document):
    return [(b.kind, b.level, document.text[b.start : b.end].split("\n")[0]) for b in document.blocks]


def test_markdown_blocks():
    document = to_blocks(MARKDOWN, ELEMENTS, "markdown")
    assert shape(document) == [
        ("heading", 1, "# Pump `X`"),
        ("text", 0, "Intro with a [link](http://x.example)."),
        ("heading", 2, "## Errors"),
        ("item", 0, "- **E1**: valve stuck"),
        ("item", 0, "- **E2**: no water"),
        ("code", 0, "```python"),
        ("table", 0, "| code | text |"),
    ]
    assert document.title == "Pump X"
    table = document.blocks[-1]
    assert document.text[slice(*table.head)] == "| code | text |\n| --- | --- |"


def test_nothing_between_blocks_is_lost():
    document = to_blocks(MARKDOWN, ELEMENTS[:3], "markdown")
    kept = "".join(document.text[b.start : b.end] for b in document.blocks)
    assert "".join(kept.split()) == "".join(MARKDOWN.split())


def test_a_heading_that_was_not_aligned_is_found_by_its_mark():
    document = to_blocks("# One\n\ntext\n\n## Two\n\nmore\n", [Element("Title", "One")], "markdown")
    assert [b.label for b in document.blocks if b.kind == "heading"] == ["One", "Two"]


def test_rst_levels_follow_the_order_of_underlines_and_directives_stay_with_their_heading():
    text = "=====\nTitle\n=====\n\nText.\n\n.. setting:: DEBUG\n\nDebug\n-----\n\nOn or off.\n"
    elements = [
        Element("Title", "Title"),
        Element("Text", "Text."),
        Element("Title", "Debug"),
        Element("Text", "On or off."),
    ]
    document = to_blocks(text, elements, "rst")
    headings = [(b.level, b.label, document.text[b.start : b.end]) for b in document.blocks if b.kind == "heading"]
    assert headings == [(1, "Title", "=====\nTitle\n====="), (2, "Debug", ".. setting:: DEBUG\n\nDebug\n-----")]


def test_code_takes_definitions_as_headings():
    text = "import os\n\nclass Pump:\n    pass\n\n    def start(self):\n        return 1\n"
    elements = [Element("Text", part) for part in text.split("\n\n")]
    labels = [(b.level, b.label) for b in to_blocks(text, elements, "code").blocks if b.kind == "heading"]
    assert labels == [(1, "Pump"), (2, "start")]


def test_plain_removes_markup_only():
    assert plain("`get_or_create` and **bold** [link](x)") == "get_or_create and bold link"
    assert plain(":setting:`DEBUG`") == "DEBUG"
    assert plain("__init__") == "__init__"


def test_code_within_a_line_is_no_fence():
    text = "# A\n\n```npm install```\n\n## B\n\nmore\n\n```sh title=x\n# no heading\n```\n\n## C\n\nend\n"
    elements = [Element("Title", "A"), Element("Title", "B"), Element("Title", "C")]
    document = to_blocks(text, elements, "markdown")
    assert [b.label for b in document.blocks if b.kind == "heading"] == ["A", "B", "C"]
