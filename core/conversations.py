"""Conversations, kept for their users across restarts. Each is read and changed by its own user alone.

That is enforced here, in every statement: a stranger's conversation is one that does not exist.
"""

import json
import sqlite3
from collections.abc import Sequence
from uuid import uuid4

from pydantic import BaseModel

from core.errors import RequestError
from core.turns import Turn, now
from core.user_database import UserDatabase

_TITLE_LENGTH = 80
LISTED = 200
_GONE = "this conversation does not exist any more: choose another, or begin a new one"


class ConversationInfo(BaseModel):
    """A conversation in a list. Times are ISO text in UTC."""

    id: str
    title: str
    created: str
    updated: str


class Conversation(ConversationInfo):
    """A conversation with its turns, none of which is running."""

    domain: str
    turns: list[Turn]


class ConversationStore:
    """The conversations of all users about one domain."""

    def __init__(self, database: UserDatabase, domain: str) -> None:
        self._database, self._domain = database, domain

    def create(self, user: str, turns: Sequence[Turn]) -> str:
        """Keep a new conversation, which goes by its first question; returns its id."""
        conversation, time = uuid4().hex, now()
        with self._database.open() as connection:
            connection.execute(
                "INSERT INTO conversations VALUES (?, ?, ?, ?, 0, ?, ?)",
                (conversation, user, self._domain, _title(turns), time, time),
            )
            _write(connection, conversation, turns)
        return conversation

    def save(self, user: str, conversation: str, turns: Sequence[Turn]) -> bool:
        """Replace the turns; False, and nothing kept, where the user has no such conversation (any more)."""
        with self._database.open() as connection:
            found = connection.execute(
                "UPDATE conversations SET updated = ?, title = CASE named WHEN 1 THEN title ELSE ? END "
                "WHERE id = ? AND user = ? AND domain = ?",
                (now(), _title(turns), conversation, user, self._domain),
            )
            if found.rowcount == 0:
                return False
            _write(connection, conversation, turns)
        return True

    def find(self, user: str, search: str = "", limit: int | None = LISTED) -> list[ConversationInfo]:
        """The user's conversations, the one used last first; with `search`, those that hold every word of it."""
        words = search.casefold().split()
        held = (
            " AND (instr(c.folded, ?) OR EXISTS "
            "(SELECT 1 FROM turns t WHERE t.conversation = c.id AND instr(t.words, ?)))"
        ) * len(words)
        with self._database.open() as connection:
            connection.create_function("casefold", 1, str.casefold, deterministic=True)
            rows = connection.execute(
                "SELECT id, title, created, updated FROM (SELECT *, casefold(title) AS folded FROM conversations "  # noqa: S608
                f"WHERE user = ? AND domain = ?) c WHERE 1{held} ORDER BY updated DESC LIMIT ?",
                (user, self._domain, *(word for word in words for _ in range(2)), -1 if limit is None else limit),
            ).fetchall()
        return [ConversationInfo(id=id, title=title, created=created, updated=at) for id, title, created, at in rows]

    def check(self, user: str, conversation: str) -> None:
        """Raise RequestError where the user has no conversation with this id."""
        with self._database.open() as connection:
            if self._row(connection, user, conversation) is None:
                raise RequestError(_GONE)

    def read(self, user: str, conversation: str) -> Conversation:
        """A conversation. Raises RequestError where the user has none with this id."""
        with self._database.open() as connection:
            row = self._row(connection, user, conversation)
            if row is None:
                raise RequestError(_GONE)
            bodies = connection.execute(
                "SELECT body FROM turns WHERE conversation = ? ORDER BY number", (conversation,)
            ).fetchall()
        # An answer that was being written when the server stopped is not written any more.
        turns = [Turn.model_validate_json(body).stopped() for (body,) in bodies]
        id, title, created, updated, domain = row
        return Conversation(id=id, title=title, created=created, updated=updated, domain=domain, turns=turns)

    def rename(self, user: str, conversation: str, title: str) -> str:
        """Give a title and return it as kept; an empty one goes back to the first question. Raises RequestError."""
        found = self.read(user, conversation)
        title = _shortened(title)
        with self._database.open() as connection:
            connection.execute(
                "UPDATE conversations SET title = ?, named = ? WHERE id = ? AND user = ?",
                (title or _title(found.turns), bool(title), conversation, user),
            )
        return title or _title(found.turns)

    def delete(self, user: str, conversation: str) -> None:
        """Delete a conversation of the user; nothing happens where there is none."""
        with self._database.open() as connection:
            connection.execute("DELETE FROM conversations WHERE id = ? AND user = ?", (conversation, user))

    def delete_all(self, user: str) -> None:
        """Delete every conversation that the user has about this domain."""
        with self._database.open() as connection:
            connection.execute("DELETE FROM conversations WHERE user = ? AND domain = ?", (user, self._domain))

    def missing(self, conversations: Sequence[str]) -> set[str]:
        """Those of these ids that no conversation of anybody has any more: what belonged to them can go."""
        with self._database.open() as connection:
            known = {
                identity
                for (identity,) in connection.execute(
                    "SELECT c.id FROM conversations c JOIN json_each(?) given ON given.value = c.id WHERE domain = ?",
                    (json.dumps(list(conversations)), self._domain),
                )
            }
        return set(conversations) - known

    def _row(self, connection: sqlite3.Connection, user: str, conversation: str) -> tuple | None:
        return connection.execute(
            "SELECT id, title, created, updated, domain FROM conversations WHERE id = ? AND user = ? AND domain = ?",
            (conversation, user, self._domain),
        ).fetchone()


def _write(connection: sqlite3.Connection, conversation: str, turns: Sequence[Turn]) -> None:
    connection.execute("DELETE FROM turns WHERE conversation = ? AND number >= ?", (conversation, len(turns)))
    connection.executemany(
        "INSERT INTO turns VALUES (?, ?, ?, ?) ON CONFLICT (conversation, number) "
        "DO UPDATE SET body = excluded.body, words = excluded.words WHERE body <> excluded.body",
        [
            (conversation, number, turn.model_dump_json(), f"{turn.question.text}\n{turn.text}".casefold())
            for number, turn in enumerate(turns)
        ],
    )


def _title(turns: Sequence[Turn]) -> str:
    return _shortened(turns[0].question.text) if turns else "Empty conversation"


def _shortened(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= _TITLE_LENGTH else f"{folded[: _TITLE_LENGTH - 1].rstrip()}…"
