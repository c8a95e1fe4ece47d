"""XML: no text lost, values with their names, titles as headings, no file but itself read."""

import pytest

from ingest.xml_text import xml_document


def shape(xml):
    document = xml_document(xml.encode())
    return [(b.kind, b.level, document.text[b.start : b.end]) for b in document.blocks]


def test_records_are_lines_of_names_and_values():
    assert shape(
        '<catalogue><product sku="PW-10"><name>Battery</name><price unit="EUR">100</price><old/></product>'
        "<product><name>Meter</name></product></catalogue>"
    ) == [
        ("text", 0, "product sku=PW-10\nname: Battery\nprice unit=EUR: 100"),
        ("text", 0, "name: Meter"),
    ]


def test_words_beside_elements_are_kept_in_their_order():
    assert shape("<doc><p>Press <b>RESET</b> on the <i>Hollow</i>, then wait.</p><p>Done.</p></doc>") == [
        ("text", 0, "Press RESET on the Hollow, then wait."),
        ("text", 0, "Done."),
    ]


def test_titles_are_headings_by_depth():
    assert shape("<book><title>Manual</title><chapter><title>Care</title><p>Clean it.</p></chapter></book>") == [
        ("heading", 1, "Manual"),
        ("heading", 2, "Care"),
        ("text", 0, "Clean it."),
    ]


def test_its_own_entities_are_expanded():
    assert shape('<!DOCTYPE d [<!ENTITY p "Roost">]><d><p>The &p; battery.</p></d>') == [
        ("text", 0, "The Roost battery.")
    ]


def test_of_a_drawing_only_the_words_are_text():
    assert shape(
        '<svg xmlns="http://www.w3.org/2000/svg"><g id="x"><path d="M0 0"/><text x="1">Inlet</text></g></svg>'
    ) == [("text", 0, "Inlet")]


def test_a_drawing_inside_of_a_page_is_one_too():
    path = "M0 0 " * 100
    assert shape(
        f'<doc><svg xmlns="http://www.w3.org/2000/svg" width="9"><path d="{path}"/><text x="1">Inlet</text></svg></doc>'
    ) == [("text", 0, "Inlet")]


def test_long_attributes_are_a_block_of_their_own():
    body = " ".join(f"word{n}" for n in range(60))
    assert len(body) > 400
    assert shape(f'<posts><row Id="1"/><row Id="2" Body="{body}"/><row Id="3"/></posts>') == [
        ("text", 0, "row Id=1"),
        ("text", 0, f"row Id=2 Body={body}"),
        ("text", 0, "row Id=3"),
    ]
    assert shape(f'<doc><part note="{body}"><name>Seal</name></part></doc>') == [
        ("text", 0, f"part note={body}"),
        ("text", 0, "name: Seal"),
    ]


def test_elements_that_may_be_prose_keep_the_attributes_that_data_has():
    assert shape(
        '<properties><entry key="db.url">jdbc:x</entry><entry key="timeout" value="30"/>'
        '<text id="hello">Hello</text><content url="a.html"/></properties>'
    ) == [("text", 0, "entry key=db.url: jdbc:x\nentry key=timeout value=30\ntext id=hello: Hello\ncontent url=a.html")]
    assert shape('<doc><title sku="PW-10">Pump</title><p n="3">Prime it.</p><p>Wait.</p></doc>') == [
        ("heading", 1, "Pump"),
        ("text", 0, "title sku=PW-10"),
        ("text", 0, "p n=3: Prime it."),
        ("text", 0, "Wait."),
    ]


def test_long_values_keep_their_names():
    words = " ".join(["word"] * 60)
    assert shape(f'<doc><name>Pump</name><remark lang="en">{words}</remark><entry key="a">{words}</entry></doc>') == [
        ("text", 0, "name: Pump"),
        ("text", 0, f"remark lang=en: {words}"),
        ("text", 0, f"entry key=a: {words}"),
    ]


def test_of_prose_the_markup_is_no_text():
    words = " ".join(["word"] * 60)
    assert shape(
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en"><body class="page" id="top">'
        f'<h1 class="first" id="care">Care</h1><p class="lead" id="p1" style="color: red">Clean it.</p>'
        f'<ul class="steps"><li class="step" role="note">Wait.</li></ul><div class="wide">{words}</div></body></html>'
    ) == [("heading", 2, "Care"), ("text", 0, "Clean it."), ("text", 0, "Wait."), ("text", 0, words)]
    assert shape(
        '<section xmlns="http://docbook.org/ns/docbook"><title xml:id="t">Codes</title><para xml:id="a" role="x">See.'
        '</para><row><entry align="left" colname="c1" xml:id="b">B101</entry></row><content type="html">Low.</content>'
        "</section>"
    ) == [("heading", 1, "Codes"), ("text", 0, "See."), ("text", 0, "B101"), ("text", 0, "Low.")]


def test_encodings_that_it_states_are_obeyed():
    document = xml_document('<?xml version="1.0" encoding="iso-8859-1"?><d><p>grün</p></d>'.encode("iso-8859-1"))
    assert document.text == "grün"


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        ('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>', "names another file"),
        ("<a>" * 1000, "nested too deeply"),
        ("<a><b></a>", "not well-formed XML: Opening and ending tag mismatch"),
    ],
)
def test_refusals(xml, reason):
    with pytest.raises(ValueError, match=reason):
        xml_document(xml.encode())
