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
