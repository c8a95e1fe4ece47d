"""Lexical search over the contract's tables: identifiers are found exactly, definitions before mentions."""

import sqlite3

import pytest

from core.index import SCHEMA
from core.terms import terms
from retriever.lexical import ANYWHERE, LexicalIndex
from retriever.names import name_bonus
from retriever.query import read_question
from retriever.rarity import Rarity

ROWS = [
    (1, "fields.E003 fields.e003:is", "Checks", "fields.E003 pk is a reserved word"),
    (2, "fields.E004 fields.e004:is", "Checks", "fields.E004 choices must be a mapping"),
    (3, "DEBUG debug:caps debug:is", "Settings", "DEBUG turns debug mode on or off"),
    (4, "debug debug:is", "Tags", "debug outputs debugging information debug debug"),
    (5, "", "Other", "mentions DEBUG and fields.E003 in passing"),
    (6, "for for:is", "Tags for", "loops over each item"),
    (7, "cycle cycle:is", "Tags cycle", "gives one of its arguments each time"),
    (8, "OPTIONS options:caps options:is", "Settings CACHES OPTIONS", "parameters"),
    (9, "OPTIONS options:caps options:is", "Settings DATABASES OPTIONS", "parameters"),
]


def make_index(rows):
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    for number, defined, headings, body in rows:
        connection.execute(
            "INSERT INTO lexical (rowid, defined, headings, body) VALUES (?, ?, ?, ?)",
            (number, defined.lower(), headings.lower(), " ".join(terms(body))),
        )
    return LexicalIndex(connection, len(rows))


@pytest.fixture
def index():
    return make_index(ROWS + [(n, "", "Filler", f"filler text number {n}") for n in range(10, 60)])


def bonus_of(index, question):
    return name_bonus(read_question(question), index, Rarity([index]), ANYWHERE)


def best(bonus):
    return max(bonus, key=lambda number: (bonus[number], -number))


def test_identifier_finds_its_definition_first(index):
    question = "What does fields.E003 mean?"
    assert index.search(read_question(question).words, 5)[0][0] == 1
    bonus = bonus_of(index, question)
    assert best(bonus) == 1
    assert 2 not in bonus


def test_capitals_name_the_setting_not_the_tag(index):
    bonus = bonus_of(index, "What is DEBUG?")
    assert best(bonus) == 3
    assert bonus[3] > bonus.get(4, 0)


def test_a_mention_in_a_long_question_counts_less_than_the_question_itself(index):
    asked = bonus_of(index, "What is fields.E003?")[1]
    mentioned = bonus_of(index, "Which reserved word filler text must be a mapping in fields.E003?")[1]
    assert mentioned < asked


def test_a_plain_word_that_is_defined_is_a_name(index):
    assert best(bonus_of(index, "what is a cycle good for")) == 7


def test_a_function_word_is_a_name_only_below_a_heading_that_is_asked_for(index):
    assert best(bonus_of(index, "what does the for tag do")) == 6
    assert 6 not in bonus_of(index, "what is the filler for")


def test_a_name_below_a_heading_of_the_question_comes_first(index):
    bonus = bonus_of(index, "OPTIONS in DATABASES?")
    assert bonus[9] > bonus[8]
    bonus = bonus_of(index, "OPTIONS of CACHES?")
    assert bonus[8] > bonus[9]


def test_unknown_and_hostile_words_find_nothing(index):
    assert index.search(read_question('zzz" OR "x').words, 5) == []
    assert bonus_of(index, "QQQ_NOT_THERE") == {}
    assert Rarity([index]).of_words(["nowhere"]) == {"nowhere": 0.0}


def test_rarer_words_weigh_more(index):
    weights = Rarity([index]).of_words(["reserved", "filler"])
    assert weights["reserved"] > weights["filler"] > 0


def test_rarity_counts_all_corpora_that_are_asked(index):
    other = make_index([(n, "", "", "reserved seats") for n in range(1, 40)])
    assert Rarity([index, other]).of_word("reserved") < Rarity([index]).of_word("reserved")


def test_a_condition_limits_the_search(index):
    only = ("AND +rowid IN (SELECT ? UNION SELECT ?)", [4, 5])
    assert {number for number, _ in index.search(("debug",), 9, only)} == {4, 5}
    assert index.matching('"debug"', 9, only) == [4, 5]
