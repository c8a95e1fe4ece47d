"""Compounds, parts and inflections are found through the index's own words, where the language joins words."""

import sqlite3

import pytest

from core.index import SCHEMA
from core.terms import terms
from retriever.lexical import LexicalIndex
from retriever.lines import best_line
from retriever.query import read_question
from retriever.word_forms import WordForms

GERMAN = (
    "Der Batteriespeicher ist voll und wird nicht mit Strom geladen.",
    "Die Speicherkapazität ist auf dem Schild angegeben und nicht mit der Leistung gleich.",
    "Der Speicher der Batterie ist leer und wird geladen, eine Meldung ist nicht zu sehen.",
    "Die Schläuche der Pumpe sind mit einer Klemme befestigt, das Gehäuse auf der Wand.",
    "Beim Wechselrichter ist das Gehaeuse mit Schrauben befestigt. Eine Beispielrechnung steht im Anhang.",
)
ENGLISH = ("The password is stored.", "Pass the word on.", "Storage of the battery and the fuse box.")
DUTCH = (
    "De batterijopslag is een deel van het systeem en wordt niet geladen.",
    "Voor deze opslag van de batterij zijn kabels nodig, een batterij is het niet.",
)
SWEDISH = (
    "Det är ett batterilager som inte är på och laddar för att spara.",
    "Ett lager för batteri är inte på, det som är på är att ladda.",
)


def make_index(texts):
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    for text in texts:
        connection.execute("INSERT INTO lexical VALUES ('', '', ?)", (" ".join(terms(text)),))
    return LexicalIndex(connection, len(texts))


def found(texts, question):
    index = make_index(texts)
    query = read_question(question)
    words = (*query.words, *WordForms(index).of_query(query))
    return {number for number, _ in index.search(words, 20)}


@pytest.mark.parametrize(
    ("texts", "question", "numbers"),
    [
        (GERMAN, "Speicher", {1, 2, 3}),
        (GERMAN, "Batteriespeicher", {1, 3}),
        (GERMAN, "Kapazität", {2}),
        (GERMAN, "Schlauch", {4}),
        (GERMAN, "Gehäuse", {4, 5}),
        (GERMAN, "Gehaeuse", {4, 5}),
        (GERMAN, "Rechnung", {5}),
        (DUTCH, "opslag", {1, 2}),
        (DUTCH, "batterijopslag", {1, 2}),
        (SWEDISH, "lager", {1, 2}),
        (SWEDISH, "batterilager", {1, 2}),
    ],
)
def test_related_words_are_found(texts, question, numbers):
    assert found(texts, question) == numbers


@pytest.mark.parametrize("question", ["pass", "word", "box", "password"])
def test_english_words_stay_what_they_are(question):
    index = make_index(ENGLISH)
    forms = WordForms(index)
    assert not forms.joins_words
    assert forms.of_query(read_question(question)) == ()


def test_an_english_question_to_a_german_corpus_is_not_taken_apart():
    forms = WordForms(make_index(GERMAN))
    assert forms.joins_words
    assert forms.of_query(read_question("What is the Speicher?")) == ()


def test_parts_of_words_that_are_no_words_find_nothing():
    assert found(GERMAN, "Spiel") == set()
    assert found(GERMAN, "Ampel") == set()


def test_hostile_words_do_no_harm():
    assert found(GERMAN, 'speicher" OR "x') >= {3}
    assert found(GERMAN, "ä") == set()


def test_a_line_holds_a_word_that_stands_inside_a_longer_one():
    weights = {"speicher": 1.0}
    assert best_line("Der Batteriespeicher ist voll.", "", weights) == 0.0
    assert 0.0 < best_line("Der Batteriespeicher ist voll.", "", weights, inside=True) < 1.0
    assert best_line("Der Speicher ist voll.", "", weights, inside=True) == 1.0
