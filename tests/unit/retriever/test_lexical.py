"""Lexical search over the contract's tables: identifiers are found exactly, definitions before mentions."""

import sqlite3

import pytest

from core.index import SCHEMA
from core.terms import terms
from retriever.lexical import ANYWHERE, LexicalIndex
from retriever.names import name_bonus
from retriever.query import read_question
from retriever.rarity import Rarity


@pytest.fixture
def index():
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    rows = [
        (1, "fields.E003 fields.e003:is", "Checks", "fields.E003 pk is a reserved word"),
        (2, "fields.E004 fields.e004:is", "Checks", "fields.E004 choices must be a mapping"),
        (3, "DEBUG debug:caps debug:is", "Settings", "DEBUG turns debug mode on or off"),
        (4, "debug debug:is", "Tags", "debug outputs debugging information debug debug"),
        (5, "", "Other", "mentions DEBUG and fields.E003 in passing"),
    ]
    rows += [(n, "", "Filler", f"filler text number {n}") for n in range(6, 60)]
    for number, defined, headings, body in rows:
        connection.execute(
            "INSERT INTO lexical (rowid, defined, headings, body) VALUES (?, ?, ?, ?)",
            (number, defined.lower(), headings.lower(), " ".join(terms(body))),
        )
    return LexicalIndex(connection, len(rows))


def names(index, question):
    return name_bonus(read_question(question), index, Rarity([index]), ANYWHERE)


def test_identifier_finds_its_definition_first(index):
    query = read_question("What does fields.E003 mean?")
    assert index.search(query.words, 5, ANYWHERE)[0][0] == 1
    bonus = names(index, query.text)
    assert max(bonus, key=bonus.__getitem__) == 1
    assert 2 not in bonus


def test_capitals_name_the_setting_not_the_tag(index):
    bonus = names(index, "What is DEBUG?")
    assert bonus[3] == max(bonus.values())
    assert bonus[3] > bonus.get(4, 0)


def test_a_mention_in_a_long_question_counts_less_than_the_question_itself(index):
    asked = names(index, "What is fields.E003?")[1]
    mentioned = names(index, "Which reserved word filler text must be a mapping in fields.E003?")[1]
    assert mentioned < asked


def test_unknown_and_hostile_words_find_nothing(index):
    assert index.search(read_question('zzz" OR "x').words, 5, ANYWHERE) == []
    assert names(index, "QQQ_NOT_THERE") == {}
    assert Rarity([index]).of_words(["nowhere"]) == {"nowhere": 0.0}


def test_rarer_words_weigh_more(index):
    weights = Rarity([index]).of_words(["reserved", "filler"])
    assert weights["reserved"] > weights["filler"] > 0
