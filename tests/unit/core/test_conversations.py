"""Conversations of users: kept, searched, and nobody else's."""

import sqlite3
import stat

import pytest

from core.arms import parse_arm
from core.chat import Question
from core.conversations import ConversationStore
from core.errors import RequestError, WorkspaceError
from core.turns import Turn
from core.user_database import UserDatabase


def turn(text="When do I prune a quince?", answer="In February.", state="done"):
    return Turn(question=Question(text=text, arm=parse_arm("rag")), text=answer, state=state)


@pytest.fixture
def database(tmp_path):
    return UserDatabase(tmp_path / "users.sqlite")


@pytest.fixture
def store(database):
    return ConversationStore(database, "garden")


def test_a_conversation_survives_with_all_that_is_in_it(database, store):
    turns = [turn(), turn("And sage?", "After flowering.")]
    kept = store.create("ann", turns[:1])
    assert store.save("ann", kept, turns)
    again = ConversationStore(UserDatabase(database.path), "garden").read("ann", kept)
    assert again.turns == turns
    assert again.title == "When do I prune a quince?"
    assert again.updated >= again.created


def test_another_user_can_neither_read_nor_change_nor_delete_it(store):
    kept = store.create("ann", [turn()])
    with pytest.raises(RequestError, match="does not exist any more"):
        store.read("bob", kept)
    with pytest.raises(RequestError):
        store.rename("bob", kept, "Mine")
    assert not store.save("bob", kept, [])
    store.delete("bob", kept)
    store.delete_all("bob")
    assert store.find("bob") == []
    assert store.find("bob", "quince") == []
    assert len(store.read("ann", kept).turns) == 1


def test_another_domain_does_not_show_it(database, store):
    kept = store.create("ann", [turn()])
    other = ConversationStore(database, "pumps")
    assert other.find("ann") == []
    assert not other.save("ann", kept, [])
    with pytest.raises(RequestError):
        other.read("ann", kept)


def test_search_wants_every_word_in_title_question_or_answer(store):
    quince = store.create("ann", [turn("When do I prune a quince?", "In the STRASSE, in February.")])
    store.create("ann", [turn("Which soil does sage want?", "Dry soil. 100%")])
    named = store.create("ann", [turn("榅桲什么时候修剪?", "二月。")])
    store.rename("ann", named, "Chinese one")

    def found(words):
        return [info.id for info in store.find("ann", words)]

    assert found("QUINCE february") == [quince]
    assert found("straße") == [quince]
    assert found("修剪 chinese") == [named]
    assert found("quince dry") == []
    assert found("10_%") == []
    assert len(found("")) == 3


def test_the_one_used_last_comes_first(store):
    first, second = store.create("ann", [turn("One?")]), store.create("ann", [turn("Two?")])
    store.save("ann", first, [turn("One?"), turn("Three?")])
    assert [info.id for info in store.find("ann")] == [first, second]
    assert len(store.find("ann", limit=1)) == 1


def test_a_title_goes_with_the_first_question_until_it_is_chosen(store):
    kept = store.create("ann", [turn("One?")])
    store.save("ann", kept, [turn("Another   one\n?" + "x" * 200)])
    title = store.read("ann", kept).title
    assert title.startswith("Another one ?xx")
    assert len(title) == 80
    assert store.rename("ann", kept, "  Quince \n care ") == "Quince care"
    store.save("ann", kept, [turn("Two?")])
    assert store.read("ann", kept).title == "Quince care"
    assert store.rename("ann", kept, " ") == "Two?"


def test_turns_that_are_taken_back_are_gone(store):
    kept = store.create("ann", [turn(), turn("And sage?", "After flowering.")])
    store.save("ann", kept, [turn("Other?", "No.")])
    assert [item.question.text for item in store.read("ann", kept).turns] == ["Other?"]
    assert store.find("ann", "flowering") == []


def test_an_answer_that_was_being_written_at_a_restart_is_stopped(store):
    kept = store.create("ann", [turn(answer="In Feb", state="writing")])
    assert store.read("ann", kept).turns[0].state == "stopped"


def test_what_is_deleted_stays_deleted(database, store):
    kept = store.create("ann", [turn()])
    store.delete("ann", kept)
    assert not store.save("ann", kept, [turn()])
    store.create("ann", [turn()])
    store.delete_all("ann")
    with sqlite3.connect(database.path) as connection:
        assert connection.execute("SELECT count(*) FROM turns").fetchone() == (0,)


def test_the_file_is_its_owners_and_holds_one_secret(database):
    assert database.secret() == database.secret()
    assert len(database.secret()) == 32
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600


def test_a_newer_or_damaged_file_is_refused_with_a_remedy(tmp_path, database):
    database.secret()
    with sqlite3.connect(database.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(WorkspaceError, match="newer Graft"):
        database.secret()
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database at all, but long enough to be looked into" * 100)
    with pytest.raises(WorkspaceError, match="put a copy in its place"):
        UserDatabase(broken).secret()


def test_ids_that_nobody_has_are_missing_and_others_are_not(store, database):
    kept, gone = store.create("ann", []), store.create("ann", [])
    elsewhere = ConversationStore(database, "trees").create("ann", [])
    store.delete("ann", gone)
    assert store.missing([kept, gone, elsewhere]) == {gone, elsewhere}
    assert store.missing([]) == set()


def test_only_the_user_of_a_conversation_passes_the_check(store):
    kept = store.create("ann", [])
    store.check("ann", kept)
    for user, conversation in (("eve", kept), ("ann", "none")):
        with pytest.raises(RequestError, match="does not exist"):
            store.check(user, conversation)
